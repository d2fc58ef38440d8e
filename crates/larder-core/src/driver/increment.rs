//! Additions to a counter (C1, C2).

use std::fmt;

use bytes::Bytes;

use super::write::{Guard, Mutation, Observed, Write};
use crate::record::{Applied, Record, Register, Revision, WriteStamp};
use crate::time::{Expiry, Timestamp};

/// An addition to a counter.
#[derive(Clone, Copy)]
pub struct Increment {
    /// What to add.
    pub delta: i64,
    /// The expiry of the counter if this increment makes it; one that is there keeps its own (C1).
    pub expires_at: Expiry,
    /// The increment's id and the time of this attempt.
    pub stamp: WriteStamp,
}

impl fmt::Debug for Increment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Increment").field("stamp", &self.stamp).finish_non_exhaustive()
    }
}

/// The write that applies an increment to a record that was read.
pub struct IncrementStep {
    /// The write, conditional on what was read.
    pub write: Write,
    /// The counter's number after it.
    pub result: i64,
}

impl fmt::Debug for IncrementStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncrementStep").field("write", &self.write).finish_non_exhaustive()
    }
}

impl Increment {
    /// Works out the write that applies this increment to `current`, or the reply that needs none.
    ///
    /// A record that has expired counts as absent. One that is no number, or would overflow, or remembers this very
    /// increment, is refused with what was read.
    ///
    /// # Errors
    ///
    /// The reply to give instead of writing.
    pub fn step(&self, current: Option<Record>, now: Timestamp) -> Result<IncrementStep, IncrementReply> {
        let (number, mut register, expires_at, guard) = match current {
            None => (0, Register::default(), self.expires_at, Guard::Absent),
            Some(record) if record.expires_at.is_past(now) => {
                (0, Register::default(), self.expires_at, Guard::Revision(record.revision))
            }
            Some(record) => match record.counter() {
                Some((number, register))
                    if number.checked_add(self.delta).is_some()
                        && register.result_of(self.stamp.id).is_none() =>
                {
                    (number, register, record.expires_at, Guard::Revision(record.revision))
                }
                _ => return Err(IncrementReply::Refused(Observed::Record(Box::new(record)))),
            },
        };
        let result = number.wrapping_add(self.delta);
        register.push(Applied { stamp: self.stamp, result });
        let value = Bytes::from(result.to_string());
        let mutation = Mutation::Put { value, expires_at, register: Some(Box::new(register)) };
        Ok(IncrementStep { write: Write { mutation, guard, stamp: self.stamp }, result })
    }
}

/// What became of an increment.
#[derive(Clone, PartialEq, Eq)]
pub enum IncrementReply {
    /// It was applied.
    Applied {
        /// The counter's number after it.
        result: i64,
        /// The record's revision.
        revision: Option<Revision>,
    },
    /// It was not: the record is no counter, would overflow, remembers this increment, or has changed.
    Refused(Observed),
}

impl fmt::Debug for IncrementReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied { revision, .. } => {
                f.debug_struct("Applied").field("revision", revision).finish_non_exhaustive()
            }
            Self::Refused(observed) => f.debug_tuple("Refused").field(observed).finish(),
        }
    }
}
