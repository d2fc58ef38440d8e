//! Writes as the writer takes them: encoded where they come from, so that the one thread does little for each.

use larder_core::driver::{Guard, Mutation, RowKey, Write};
use larder_core::record::WriteStamp;
use larder_core::{Expiry, Timestamp};
use sled::IVec;

use crate::codec::encode;

/// A write, ready to be carried out.
pub(crate) struct PreparedWrite {
    pub(crate) key: IVec,
    pub(crate) change: Change,
    pub(crate) guard: Guard,
    pub(crate) stamp: WriteStamp,
    pub(crate) now: Timestamp,
}

/// What a write makes of a record.
pub(crate) enum Change {
    Put(IVec),
    Touch(Expiry),
    Delete,
}

impl PreparedWrite {
    pub(crate) fn new(key: &RowKey, write: &Write, now: Timestamp) -> Self {
        let change = match &write.mutation {
            Mutation::Put { value, expires_at, register } => {
                Change::Put(encode(value, *expires_at, write.stamp, register.as_deref()))
            }
            Mutation::Touch { expires_at } => Change::Touch(*expires_at),
            Mutation::Delete => Change::Delete,
        };
        let key = IVec::from(key.key.as_bytes());
        Self { key, change, guard: write.guard.clone(), stamp: write.stamp, now }
    }

    /// How many bytes it writes.
    pub(crate) fn bytes(&self) -> usize {
        match &self.change {
            Change::Put(record) => record.len(),
            Change::Touch(_) | Change::Delete => 0,
        }
    }
}
