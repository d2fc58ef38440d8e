//! Writes, increments, and what became of them.

use bytes::Bytes;
use larder_core::driver::{Guard, Increment, IncrementReply, Mutation, Observed, Write, WriteReply};

use super::codec::{Input, Malformed, Output, Wire};

impl Wire for Mutation {
    fn put(&self, to: &mut Output) {
        match self {
            Self::Put { value, expires_at, register } => {
                0_u8.put(to);
                value.put(to);
                expires_at.put(to);
                register.put(to);
            }
            Self::Touch { expires_at } => {
                1_u8.put(to);
                expires_at.put(to);
            }
            Self::Delete => 2_u8.put(to),
        }
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        match u8::read(from)? {
            0 => Ok(Self::Put {
                value: Bytes::read(from)?,
                expires_at: Wire::read(from)?,
                register: Wire::read(from)?,
            }),
            1 => Ok(Self::Touch { expires_at: Wire::read(from)? }),
            2 => Ok(Self::Delete),
            _ => Err(Malformed("a change is of no known kind")),
        }
    }
}

impl Wire for Guard {
    fn put(&self, to: &mut Output) {
        match self {
            Self::Always => 0_u8.put(to),
            Self::Absent => 1_u8.put(to),
            Self::Live => 2_u8.put(to),
            Self::Revision(revision) => {
                3_u8.put(to);
                revision.put(to);
            }
        }
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        match u8::read(from)? {
            0 => Ok(Self::Always),
            1 => Ok(Self::Absent),
            2 => Ok(Self::Live),
            3 => Wire::read(from).map(Self::Revision),
            _ => Err(Malformed("a condition is of no known kind")),
        }
    }
}

impl Wire for Write {
    fn put(&self, to: &mut Output) {
        self.mutation.put(to);
        self.guard.put(to);
        self.stamp.put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Ok(Self { mutation: Wire::read(from)?, guard: Wire::read(from)?, stamp: Wire::read(from)? })
    }
}

impl Wire for Observed {
    fn put(&self, to: &mut Output) {
        match self {
            Self::Record(record) => {
                0_u8.put(to);
                record.put(to);
            }
            Self::Absent => 1_u8.put(to),
            Self::Corrupt(reason) => {
                2_u8.put(to);
                reason.put(to);
            }
            Self::NotReturned => 3_u8.put(to),
        }
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        match u8::read(from)? {
            0 => Wire::read(from).map(Self::Record),
            1 => Ok(Self::Absent),
            2 => Wire::read(from).map(Self::Corrupt),
            3 => Ok(Self::NotReturned),
            _ => Err(Malformed("an observation is of no known kind")),
        }
    }
}

impl Wire for WriteReply {
    fn put(&self, to: &mut Output) {
        match self {
            Self::Applied(revision) => {
                0_u8.put(to);
                revision.put(to);
            }
            Self::Refused(observed) => {
                1_u8.put(to);
                observed.put(to);
            }
        }
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        match u8::read(from)? {
            0 => Wire::read(from).map(Self::Applied),
            1 => Wire::read(from).map(Self::Refused),
            _ => Err(Malformed("what became of a write is of no known kind")),
        }
    }
}

impl Wire for Increment {
    fn put(&self, to: &mut Output) {
        self.delta.put(to);
        self.expires_at.put(to);
        self.stamp.put(to);
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        Ok(Self { delta: Wire::read(from)?, expires_at: Wire::read(from)?, stamp: Wire::read(from)? })
    }
}

impl Wire for IncrementReply {
    fn put(&self, to: &mut Output) {
        match self {
            Self::Applied { result, revision } => {
                0_u8.put(to);
                result.put(to);
                revision.put(to);
            }
            Self::Refused(observed) => {
                1_u8.put(to);
                observed.put(to);
            }
        }
    }

    fn read(from: &mut Input) -> Result<Self, Malformed> {
        match u8::read(from)? {
            0 => Ok(Self::Applied { result: Wire::read(from)?, revision: Wire::read(from)? }),
            1 => Wire::read(from).map(Self::Refused),
            _ => Err(Malformed("what became of an increment is of no known kind")),
        }
    }
}
