//! Calls of scripts on the store, and their answers.

use larder_core::{MAX_KEY_BYTES, MAX_PAGE_BYTES, MAX_VALUE_BYTES};
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_PAGE, MAX_TEXT};

/// The most bytes of an entry beside its value: its key, and what tells its version and how long it stays.
const BESIDE_VALUE: usize = 2 * MAX_KEY_BYTES;

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

impl Call {
    /// Whether it is no longer than a worker lets any be.
    pub(crate) fn is_in_bounds(&self) -> bool {
        let (text, other, value) = match self {
            Self::Get { key } | Self::Entry { key } | Self::Exists { key } | Self::Increment { key, .. } => {
                (key, None, 0)
            }
            Self::Put { key, value, when: When::Version(version), .. } => (key, Some(version), value.len()),
            Self::Put { key, value, .. } => (key, None, value.len()),
            Self::Delete { key, version } => (key, version.as_ref(), 0),
            Self::Scan { prefix, cursor, .. } => (prefix, cursor.as_ref(), 0),
        };
        value <= MAX_VALUE_BYTES && text.len().max(other.map_or(0, String::len)) <= MAX_TEXT
    }

    /// The most bytes that its answer can have.
    pub(crate) fn most_answered(&self) -> usize {
        match self {
            Self::Get { .. } | Self::Entry { .. } => MAX_VALUE_BYTES + BESIDE_VALUE,
            // A page ends with the value that makes it full.
            Self::Scan { limit, .. } => {
                let limit = usize::try_from(*limit).unwrap_or(MAX_PAGE).min(MAX_PAGE);
                (limit * MAX_VALUE_BYTES).min(MAX_PAGE_BYTES + MAX_VALUE_BYTES) + limit * BESIDE_VALUE
            }
            _ => BESIDE_VALUE,
        }
    }
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
