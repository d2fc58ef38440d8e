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

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Self::from_canonical(SmolStr::read(from)?).ok_or(Malformed("a key is not in canonical form"))
    }
}

impl Wire for StoredKey {
    fn put(&self, to: &mut Output) {
        SmolStr::new(self.as_str()).put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        SmolStr::read(from).map(Self::from)
    }
}

impl Wire for Read {
    fn put(&self, to: &mut Output) {
        (self.projection == Projection::Meta).put(to);
        (self.consistency == Consistency::Eventual).put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        let projection = if bool::read(from)? { Projection::Meta } else { Projection::Full };
        let consistency = if bool::read(from)? { Consistency::Eventual } else { Consistency::Strong };
        Ok(Self { projection, consistency })
    }
}

impl Wire for WriteStamp {
    fn put(&self, to: &mut Output) {
        self.to_bytes().put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Ok(Self::from_bytes(&<[u8; Self::LEN]>::read(from)?))
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

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        match u8::read(from)? {
            0 => Ok(Self::WriteId(WriteId::from_bytes(<[u8; 16]>::read(from)?))),
            1 => SmolStr::read(from).map(Self::Platform),
            _ => Err(Malformed("a revision is of no known kind")),
        }
    }
}

impl Wire for Applied {
    fn put(&self, to: &mut Output) {
        self.stamp.put(to);
        self.result.put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Ok(Self { stamp: WriteStamp::read(from)?, result: i64::read(from)? })
    }
}

impl Wire for Register {
    fn put(&self, to: &mut Output) {
        self.history().to_vec().put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        let history = Vec::read(from)?;
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

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Ok(Self {
            value: Bytes::read(from)?,
            expires_at: Wire::read(from)?,
            stamp: Wire::read(from)?,
            revision: Wire::read(from)?,
            register: Wire::read(from)?,
        })
    }
}
