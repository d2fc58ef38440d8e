//! Records and their parts.

use bytes::Bytes;
use larder_core::CanonicalKey;
use larder_core::driver::{Consistency, Projection, Read, StoredKey};
use larder_core::record::{Applied, Record, Register, Revision, WriteId, WriteStamp};
use smol_str::SmolStr;

use super::codec::{Input, Malformed, Output, Wire};

impl Wire for CanonicalKey {
    fn put(&self, to: &mut Output) {
        SmolStr::new(self.as_str()).put(to);
    }

    fn take(from: &mut Input) -> Result<Self, Malformed> {
        Self::from_canonical(SmolStr::take(from)?).ok_or(Malformed("a key is not in canonical form"))
    }
}

impl Wire for StoredKey {
    fn put(&self, to: &mut Output) {
        SmolStr::new(self.as_str()).put(to);
    }

    fn take(from: &mut Input) -> Result<Self, Malformed> {
        SmolStr::take(from).map(Self::from)
    }
}

impl Wire for Read {
    fn put(&self, to: &mut Output) {
        (self.projection == Projection::Meta).put(to);
        (self.consistency == Consistency::Eventual).put(to);
    }

    fn take(from: &mut Input) -> Result<Self, Malformed> {
        let projection = if bool::take(from)? { Projection::Meta } else { Projection::Full };
        let consistency = if bool::take(from)? { Consistency::Eventual } else { Consistency::Strong };
        Ok(Self { projection, consistency })
    }
}

impl Wire for WriteStamp {
    fn put(&self, to: &mut Output) {
        self.to_bytes().put(to);
    }

    fn take(from: &mut Input) -> Result<Self, Malformed> {
        Ok(Self::from_bytes(&<[u8; Self::LEN]>::take(from)?))
    }
}

impl Wire for Revision {
    fn put(&self, to: &mut Output) {
        match self {
            Self::WriteId(id) => {
                0_u8.put(to);
                id.as_bytes().put(to);
            }
            Self::Platform(text) => {
                1_u8.put(to);
                text.put(to);
            }
        }
    }

    fn take(from: &mut Input) -> Result<Self, Malformed> {
        match u8::take(from)? {
            0 => Ok(Self::WriteId(WriteId::from_bytes(<[u8; 16]>::take(from)?))),
            1 => SmolStr::take(from).map(Self::Platform),
            _ => Err(Malformed("a revision is of no known kind")),
        }
    }
}

impl Wire for Applied {
    fn put(&self, to: &mut Output) {
        self.stamp.put(to);
        self.result.put(to);
    }

    fn take(from: &mut Input) -> Result<Self, Malformed> {
        Ok(Self { stamp: WriteStamp::take(from)?, result: i64::take(from)? })
    }
}

impl Wire for Register {
    fn put(&self, to: &mut Output) {
        self.history().to_vec().put(to);
    }

    fn take(from: &mut Input) -> Result<Self, Malformed> {
        let history = Vec::take(from)?;
        if history.len() > Self::CAPACITY {
            return Err(Malformed("a counter remembers more writes than any may"));
        }
        Ok(Self::from_history(history))
    }
}

impl Wire for Record {
    fn put(&self, to: &mut Output) {
        self.value.put(to);
        self.expires_at.put(to);
        self.stamp.put(to);
        self.revision.put(to);
        self.register.put(to);
    }

    fn take(from: &mut Input) -> Result<Self, Malformed> {
        Ok(Self {
            value: Bytes::take(from)?,
            expires_at: Wire::take(from)?,
            stamp: Wire::take(from)?,
            revision: Wire::take(from)?,
            register: Wire::take(from)?,
        })
    }
}
