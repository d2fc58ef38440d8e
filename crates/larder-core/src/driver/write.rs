//! Changes to one record, the state they are meant for, and what became of them.

use std::fmt;

use bytes::Bytes;

use crate::record::{Record, Register, Revision, WriteStamp};
use crate::time::Expiry;

/// A change to one record, and the state it is meant for.
#[derive(Clone, Debug)]
pub struct Write {
    /// The change.
    pub mutation: Mutation,
    /// The state that the record must be in.
    pub guard: Guard,
    /// The write's id and the time of this attempt, stored with the record.
    pub stamp: WriteStamp,
}

/// A change to one record.
#[derive(Clone)]
pub enum Mutation {
    /// Replaces the whole record.
    Put {
        /// The new value.
        value: Bytes,
        /// When it expires.
        expires_at: Expiry,
        /// A counter's history; `None` makes a record without one.
        register: Option<Box<Register>>,
    },
    /// Changes the expiry and the stamp, and leaves the value and the register as they are.
    Touch {
        /// The new expiry.
        expires_at: Expiry,
    },
    /// Removes the record.
    Delete,
}

impl fmt::Debug for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { value, expires_at, .. } => f
                .debug_struct("Put")
                .field("value", &format_args!("<{} bytes>", value.len()))
                .field("expires_at", expires_at)
                .finish_non_exhaustive(),
            Self::Touch { expires_at } => f.debug_struct("Touch").field("expires_at", expires_at).finish(),
            Self::Delete => f.write_str("Delete"),
        }
    }
}

/// The state that a record must be in for a write to be applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Guard {
    /// Any, the undecodable included.
    Always,
    /// Absent. A record that has expired counts as absent where the platform can tell in the same request; elsewhere it
    /// refuses, and the handle takes the expired record over by its revision.
    Absent,
    /// Present and not expired.
    Live,
    /// In exactly this state. The handle has judged its expiry.
    Revision(Revision),
}

/// What became of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WriteReply {
    /// It was applied, and the record has this revision. A delete has none to tell.
    Applied(Option<Revision>),
    /// The guard did not hold, and nothing changed.
    Refused(Observed),
}

/// What a platform showed of the record that a write was refused for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observed {
    /// This record, which may have expired.
    Record(Box<Record>),
    /// No record.
    Absent,
    /// A record that cannot be decoded, and why.
    Corrupt(String),
    /// Nothing: the handle has to read.
    NotReturned,
}

impl From<Option<Record>> for Observed {
    fn from(record: Option<Record>) -> Self {
        record.map_or(Self::Absent, |record| Self::Record(Box::new(record)))
    }
}
