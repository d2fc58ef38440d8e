//! Calls of scripts on the store, and their answers.

use larder_core::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_PAGE, MAX_TEXT};

/// The most bytes of an answer beside values: a key, and more than any version, expiry or refusal has.
const BESIDE_VALUE: usize = 2 * MAX_KEY_BYTES;
/// The most bytes of a page beside its entries: a cursor, which has a key in it in other letters, and the frame.
const BESIDE_ENTRIES: usize = 2 * MAX_KEY_BYTES;

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

    /// The most bytes that its answer can have. No answer has more, and most have far fewer: it is for the room that is
    /// kept for them before anybody knows.
    pub(crate) fn most_answered(&self) -> usize {
        match self {
            Self::Get { .. } | Self::Entry { .. } => MAX_VALUE_BYTES + BESIDE_VALUE,
            Self::Scan { limit, .. } => {
                let limit = usize::try_from(*limit).unwrap_or(MAX_PAGE).min(MAX_PAGE);
                limit * (MAX_VALUE_BYTES + BESIDE_VALUE) + BESIDE_ENTRIES
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use larder_core::{Kv, MemoryDriver, PutOptions};

    use super::*;
    use crate::host::{Access, execute};
    use crate::wire::{ToWorker, encode};

    /// The bytes of the answer to a call, as they are sent to a worker.
    async fn answered(access: &Access, call: Call) -> usize {
        let answer = execute(access.clone(), call).await;
        let mut frame = Vec::new();
        encode(&ToWorker::Reply { id: u32::MAX, answer }, &mut frame).expect("it fits");
        frame.len()
    }

    #[tokio::test]
    async fn no_answer_has_more_bytes_than_the_most_and_a_large_one_has_almost_as_many() {
        // The longest keys that there are, whose cursors are the longest, too.
        let key = |number: usize| format!("{number:0>MAX_KEY_BYTES$}");
        let kv = Kv::new(MemoryDriver::new());
        for number in 0..=MAX_PAGE {
            let options = PutOptions::new().ttl(Duration::from_secs(1 << 32));
            kv.put(key(number), vec![b'x'; MAX_VALUE_BYTES], options).await.expect("a put");
        }
        let access = Access::all(kv);
        let scan = |limit| Call::Scan { prefix: String::new(), limit, cursor: None };
        let put = |when| Call::Put { key: key(0), value: b"1".to_vec(), ttl_millis: Some(1 << 40), when };
        let large =
            [Call::Get { key: key(0) }, Call::Entry { key: key(0) }, scan(1), scan(2), scan(u32::MAX)];
        let small = [
            Call::Exists { key: key(0) },
            put(When::Absent),
            put(When::Version("none".to_owned())),
            put(When::Always),
            Call::Increment { key: key(0), delta: i64::MAX - 1, ttl_millis: None },
            Call::Increment { key: key(0), delta: 1, ttl_millis: None },
            Call::Delete { key: key(0), version: Some("none".to_owned()) },
            Call::Delete { key: key(0), version: None },
            Call::Get { key: "k".repeat(MAX_TEXT) },
            Call::Scan { prefix: String::new(), limit: 0, cursor: Some("none".to_owned()) },
        ];
        let is_small = |at: usize| at >= 5;
        for (at, call) in large.into_iter().chain(small).enumerate() {
            let most = call.most_answered();
            let bytes = answered(&access, call).await;
            assert!(bytes <= most, "the answer to call {at} has {bytes} bytes, more than {most}");
            assert!(is_small(at) || most - bytes < most / 10, "that to call {at} has {bytes}, of {most}");
        }
        // Nor has what a caller may not do.
        let none = Access::none(Kv::new(MemoryDriver::new()));
        let call = Call::Increment { key: key(0), delta: 1, ttl_millis: None };
        let most = call.most_answered();
        assert!(answered(&none, call).await <= most);
    }
}
