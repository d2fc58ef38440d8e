//! What a reader gets: entries, their facts, and pages of them.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use smol_str::SmolStr;

use crate::cursor::Cursor;
use crate::error::Result;
use crate::time::Timestamp;
use crate::version::Version;

/// A live entry: its key, its value, its version and how long it lives.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    value: Bytes,
    facts: EntryInfo,
}

impl Entry {
    pub(crate) fn new(value: Bytes, facts: EntryInfo) -> Self {
        Self { value, facts }
    }

    /// The key, relative to the handle.
    pub fn key(&self) -> &str {
        &self.facts.key
    }

    /// The value.
    pub fn value(&self) -> &Bytes {
        &self.value
    }

    /// The value, without a copy.
    pub fn into_value(self) -> Bytes {
        self.value
    }

    /// The version, for conditions.
    pub fn version(&self) -> &Version {
        &self.facts.version
    }

    /// The lifetime that remained when the entry was read; `None` for one that stays (T6).
    pub fn ttl(&self) -> Option<Duration> {
        self.facts.ttl()
    }

    /// When the entry expires; `None` for never.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.facts.expires_at()
    }

    /// All but the value.
    pub fn info(&self) -> &EntryInfo {
        &self.facts
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &crate::key::shorten(&self.facts.key))
            .field("value", &format_args!("<{} bytes>", self.value.len()))
            .field("ttl", &self.ttl())
            .finish_non_exhaustive()
    }
}

/// An entry without its value: what a keys-only scan gives.
#[derive(Clone, PartialEq, Eq)]
pub struct EntryInfo {
    key: SmolStr,
    /// Carries the expiry, too.
    version: Version,
    read_at: Timestamp,
}

impl EntryInfo {
    pub(crate) fn new(key: SmolStr, version: Version, read_at: Timestamp) -> Self {
        Self { key, version, read_at }
    }

    /// The key, relative to the handle.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The key.
    pub fn into_key(self) -> String {
        self.key.into()
    }

    /// The version, for conditions.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The lifetime that remained when the entry was read; `None` for one that stays (T6).
    pub fn ttl(&self) -> Option<Duration> {
        self.version.expires_at().remaining(self.read_at)
    }

    /// When the entry expires; `None` for never.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.version.expires_at().moment().map(Timestamp::to_system_time)
    }
}

impl fmt::Debug for EntryInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryInfo")
            .field("key", &crate::key::shorten(&self.key))
            .field("ttl", &self.ttl())
            .finish_non_exhaustive()
    }
}

/// Some entries of a scan, in key order (S2).
#[derive(Debug)]
pub struct Page<T> {
    /// The entries. A record that cannot be decoded stands at its place as an error of kind `Corrupt` (E3).
    pub items: Vec<Result<T>>,
    /// Where to go on; `None` when the scan is at its end.
    pub cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// The entries, if every one could be decoded.
    ///
    /// # Errors
    ///
    /// The first undecodable record's.
    pub fn into_entries(self) -> Result<Vec<T>> {
        self.items.into_iter().collect()
    }
}
