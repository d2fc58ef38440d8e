//! Counting a store.

use futures_util::StreamExt;
use larder::{Entry, ErrorKind, Kv, Timestamp};

use super::cost::Sizes;
use super::groups::Groups;
use super::histogram::Histogram;
use crate::clock;
use crate::failure::Outcome;
use crate::moving::entry::expiry;

const KIB: u64 = 1024;
const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// Ranges of bytes.
const SIZES: [(&str, u64); 7] = [
    ("0 B", 0),
    ("1-64 B", 64),
    ("65-256 B", 256),
    ("257 B-1 KiB", KIB),
    ("1-4 KiB", 4 * KIB),
    ("4-16 KiB", 16 * KIB),
    ("16-24 KiB", u64::MAX),
];
/// Ranges of milliseconds.
const LIFETIMES: [(&str, u64); 7] = [
    ("up to 1 min", MINUTE),
    ("1 min-1 h", 60 * MINUTE),
    ("1 h-1 d", DAY),
    ("1-7 d", 7 * DAY),
    ("7-30 d", 30 * DAY),
    ("longer", u64::MAX - 1),
    ("never expires", u64::MAX),
];

/// What was counted.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Live entries.
    pub(crate) entries: u64,
    pub(crate) key_bytes: u64,
    pub(crate) value_bytes: u64,
    /// Rows that have expired and still take up space.
    pub(crate) expired: u64,
    pub(crate) expired_bytes: u64,
    /// Records that cannot be decoded.
    pub(crate) unreadable: u64,
    pub(crate) sizes: Histogram,
    pub(crate) lifetimes: Histogram,
    pub(crate) groups: Groups,
    pub(crate) load: Sizes,
}

impl Figures {
    fn new(depth: usize) -> Self {
        Self {
            entries: 0,
            key_bytes: 0,
            value_bytes: 0,
            expired: 0,
            expired_bytes: 0,
            unreadable: 0,
            sizes: Histogram::new(&SIZES),
            lifetimes: Histogram::new(&LIFETIMES),
            groups: Groups::new(depth),
            load: Sizes::default(),
        }
    }

    /// Reads all entries under a prefix, and counts them.
    pub(crate) async fn of(
        kv: &Kv,
        prefix: &str,
        depth: usize,
        mut unreadable: impl FnMut(&larder::Error),
    ) -> Outcome<Self> {
        let mut figures = Self::new(depth);
        let now = clock::now();
        // Scans leave out what has expired. At the beginning of time nothing has.
        clock::at(Timestamp::from_millis(0), async {
            let mut entries = kv.scan(prefix);
            while let Some(entry) = entries.next().await {
                match entry {
                    Ok(entry) => figures.count(&entry, now),
                    Err(error) if error.kind() == ErrorKind::Corrupt => {
                        unreadable(&error);
                        figures.unreadable += 1;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(figures)
        })
        .await
    }

    fn count(&mut self, entry: &Entry, now: Timestamp) {
        let (key, value) = (entry.key().len(), entry.value().len());
        let (key_bytes, value_bytes) = (key as u64, value as u64);
        let expires_at = expiry(entry.info());
        let group = self.groups.of(entry.key());
        if expires_at.is_some_and(|moment| moment <= now) {
            group.expired += 1;
            self.expired += 1;
            self.expired_bytes += key_bytes + value_bytes;
            return;
        }
        group.entries += 1;
        group.bytes += key_bytes + value_bytes;
        self.entries += 1;
        self.key_bytes += key_bytes;
        self.value_bytes += value_bytes;
        self.sizes.count(value_bytes);
        self.lifetimes.count(expires_at.map_or(u64::MAX, |moment| moment.as_millis() - now.as_millis()));
        self.load.add(key, value);
    }

    /// The share of rows that have expired, 0 to 1.
    pub(crate) fn expired_share(&self) -> f64 {
        let rows = self.entries + self.expired;
        if rows == 0 { 0.0 } else { self.expired as f64 / rows as f64 }
    }
}
