//! What became of the entries that were to be moved.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// How many entries were moved, and why others were not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Those that were written.
    pub(crate) entries: u64,
    /// The bytes of their values.
    pub(crate) bytes: u64,
    /// Those that the target had already, where it was to keep its own.
    pub(crate) skipped: u64,
    /// Those that expired on the way.
    pub(crate) expired: u64,
    /// Records of the source that cannot be decoded.
    pub(crate) unreadable: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
        self.skipped += other.skipped;
        self.expired += other.expired;
        self.unreadable += other.unreadable;
    }
}

impl Tally {
    /// How many entries have been read, whatever became of them.
    pub(crate) fn readable(&self) -> u64 {
        self.entries + self.skipped + self.expired
    }

    /// In a sentence, for people: `1000 entries (12 KiB)`, and what else there was.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("{} entries ({})", self.entries, indicatif::BinaryBytes(self.bytes));
        for (count, what) in [
            (self.skipped, "there already"),
            (self.expired, "expired on the way"),
            (self.unreadable, "unreadable"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text
    }
}
