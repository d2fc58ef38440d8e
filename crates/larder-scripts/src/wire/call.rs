//! Calls of scripts on the store, and their answers.

use serde::{Deserialize, Serialize};

/// One call.
#[derive(Serialize, Deserialize)]
pub(crate) enum Call {
    Get { key: String },
    Entry { key: String },
    Exists { key: String },
    Put { key: String, value: Vec<u8>, ttl_millis: Option<u64>, when: When },
    Delete { key: String, version: Option<String> },
    Scan { prefix: String, limit: u32, cursor: Option<String> },
    Increment { key: String, delta: i64, ttl_millis: Option<u64> },
}

/// What must hold for a put.
#[derive(Serialize, Deserialize)]
pub(crate) enum When {
    Always,
    Absent,
    Version(String),
}

/// The answer to a call.
#[derive(Serialize, Deserialize)]
pub(crate) enum Answer {
    Value(Option<Vec<u8>>),
    Entry(Option<Found>),
    /// The new version, if it was stored.
    Stored(Option<String>),
    Flag(bool),
    Page {
        items: Vec<Item>,
        cursor: Option<String>,
    },
    Number(i64),
}

/// An entry.
#[derive(Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) value: Vec<u8>,
    pub(crate) version: String,
    /// Epoch milliseconds.
    pub(crate) expires_at: Option<u64>,
}

/// An entry of a page, or what stands in its place.
#[derive(Serialize, Deserialize)]
pub(crate) enum Item {
    Found(Found),
    Failed { key: Option<String>, refusal: Refusal },
}

/// Why a call was not answered: an exception in the script, with this code.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}
