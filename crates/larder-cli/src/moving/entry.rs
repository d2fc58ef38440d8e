//! An entry on its way.

use bytes::Bytes;
use larder::{Entry, EntryInfo, Timestamp};

/// An entry on its way from one store to another, with the moment at which it expires.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) key: String,
    pub(crate) value: Bytes,
    pub(crate) expires_at: Option<Timestamp>,
}

impl Carried {
    /// The moment at which it expires, or the last there is.
    pub(crate) fn lasts(&self) -> Timestamp {
        self.expires_at.unwrap_or(Timestamp::from_millis(u64::MAX))
    }

    /// Whether there is nothing to carry any more (T2).
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|moment| moment <= now)
    }
}

impl From<Entry> for Carried {
    fn from(entry: Entry) -> Self {
        let expires_at = expiry(entry.info());
        Self { key: entry.key().to_owned(), value: entry.into_value(), expires_at }
    }
}

impl std::fmt::Debug for Carried {
    /// Without the key and the value (E2).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Carried").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// When an entry expires, to the millisecond.
pub(crate) fn expiry(info: &EntryInfo) -> Option<Timestamp> {
    info.expires_at().map(Timestamp::from)
}
