//! Ranges of one shard.

use std::fmt;

use smol_str::SmolStr;

use super::read::{Consistency, Projection, Read, Shard};
use crate::key::{CanonicalKey, shorten};
use crate::record::Record;
use crate::time::Timestamp;

/// A range of one shard.
#[derive(Clone)]
pub struct ScanRequest {
    /// The shard.
    pub shard: Shard,
    /// Where to begin.
    pub start: ScanStart,
    /// Where to end: text greater than every key wanted; itself never a key.
    pub end: String,
    /// The most rows to return.
    pub limit: usize,
    /// Stop after the row that brings the values to this many bytes.
    pub max_bytes: usize,
    /// Which parts, and how fresh.
    pub read: Read,
}

impl ScanRequest {
    /// Whether there is any row: the first one of the first shard, up to that text.
    pub fn any_row(end: char) -> Self {
        Self {
            shard: Shard(0),
            start: ScanStart::At(String::new()),
            end: end.to_string(),
            limit: 1,
            max_bytes: 1,
            read: Read { projection: Projection::Meta, consistency: Consistency::Strong },
        }
    }
}

impl fmt::Debug for ScanRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A prefix may be a session's key (E1).
        f.debug_struct("ScanRequest")
            .field("shard", &self.shard)
            .field("start", &self.start)
            .field("limit", &self.limit)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

/// Where a scan begins, in canonical text.
#[derive(Clone, PartialEq, Eq)]
pub enum ScanStart {
    /// At this text, which need not be a key.
    At(String),
    /// Behind this key.
    After(StoredKey),
}

impl fmt::Debug for ScanStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(text) => write!(f, "At({})", shorten(text)),
            Self::After(key) => write!(f, "After({key:?})"),
        }
    }
}

/// Some rows of one shard, in key order.
#[derive(Debug)]
pub struct ScanReply {
    /// The rows.
    pub rows: Vec<ScanRow>,
    /// Whether there may be rows behind the last one.
    pub more: bool,
}

/// The text of a key as it stands in a store: a key's canonical form, or what something else wrote.
///
/// Rows are ordered, and scans go on, by this text whatever it is; the handle judges it (E3).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredKey(SmolStr);

impl StoredKey {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key whose canonical form this is, or the text again.
    pub(crate) fn canonical(self) -> Result<CanonicalKey, Self> {
        CanonicalKey::from_text(self.0).map_err(Self)
    }
}

impl<T: Into<SmolStr>> From<T> for StoredKey {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredKey({})", shorten(&self.0))
    }
}

/// A row of a scan.
#[derive(Debug)]
pub struct ScanRow {
    /// Its key.
    pub key: StoredKey,
    /// Its record, or why it cannot be decoded.
    pub record: Result<Record, String>,
}

impl ScanRow {
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.record.as_ref().is_ok_and(|record| record.expires_at.is_past(now))
    }

    /// The bytes of its value.
    pub(crate) fn size(&self) -> usize {
        self.record.as_ref().map_or(0, |record| record.value.len())
    }
}
