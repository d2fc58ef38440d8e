//! How much has passed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How much clients have sent and were given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// How many connections clients have opened.
    pub connections: u64,
    /// By the names that [`Exchange::operation`](super::Exchange::operation) gives.
    pub operations: BTreeMap<String, Count>,
}

/// How much of one operation. Bytes are those of bodies; what was not passed whole is counted as far as it
/// went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Requests that arrived whole.
    pub requests: u64,
    /// Their bytes.
    pub request_bytes: u64,
    /// The bytes that clients were given.
    pub reply_bytes: u64,
    /// How often something was passed on to the server, duplicates included.
    pub forwarded: u64,
    /// How many of these were duplicates.
    pub duplicates: u64,
}

impl Counts {
    /// Of one operation; zeros, if there was none.
    pub fn of(&self, operation: &str) -> Count {
        self.operations.get(operation).copied().unwrap_or_default()
    }

    /// Of all operations.
    pub fn total(&self) -> Count {
        self.operations.values().fold(Count::default(), |sum, count| Count {
            requests: sum.requests + count.requests,
            request_bytes: sum.request_bytes + count.request_bytes,
            reply_bytes: sum.reply_bytes + count.reply_bytes,
            forwarded: sum.forwarded + count.forwarded,
            duplicates: sum.duplicates + count.duplicates,
        })
    }
}
