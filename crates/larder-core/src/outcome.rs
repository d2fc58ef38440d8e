//! What became of a conditional write: an outcome, not an error (P1).

use crate::entry::Entry;
use crate::version::Version;

/// What became of a put.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PutOutcome {
    /// The value is stored and durable, under this version.
    Stored(Version),
    /// The condition did not hold, and nothing changed.
    ConditionFailed(Seen),
}

impl PutOutcome {
    /// Whether the value was stored.
    pub fn is_stored(&self) -> bool {
        matches!(self, Self::Stored(_))
    }

    /// The new version, if the value was stored.
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::Stored(version) => Some(version),
            Self::ConditionFailed(_) => None,
        }
    }

    /// The new version, if the value was stored.
    pub fn into_version(self) -> Option<Version> {
        match self {
            Self::Stored(version) => Some(version),
            Self::ConditionFailed(_) => None,
        }
    }

    /// The entry that stood in the way, where it was seen.
    pub fn existing(&self) -> Option<&Entry> {
        match self {
            Self::ConditionFailed(Seen::Entry(entry)) => Some(entry),
            _ => None,
        }
    }
}

/// What became of a delete that had a condition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeleteOutcome {
    /// This call removed the entry.
    Deleted,
    /// The entry did not have the version, and nothing changed.
    ConditionFailed(Seen),
}

impl DeleteOutcome {
    /// Whether this call removed the entry.
    pub fn is_deleted(&self) -> bool {
        matches!(self, Self::Deleted)
    }
}

/// What became of a touch (T5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TouchOutcome {
    /// The entry has the new lifetime, and this version.
    Touched(Version),
    /// There is no entry.
    Absent,
    /// The entry does not have the version, and nothing changed.
    ConditionFailed(Seen),
}

impl TouchOutcome {
    /// Whether the entry has the new lifetime.
    pub fn is_touched(&self) -> bool {
        matches!(self, Self::Touched(_))
    }

    /// The new version, if the entry was touched.
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::Touched(version) => Some(version),
            _ => None,
        }
    }
}

/// What was seen where a condition did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Seen {
    /// This live entry.
    Entry(Entry),
    /// No live entry.
    Absent,
    /// Nothing: the platform did not show it, or no request was needed to decide.
    NotShown,
}

/// What a sweep did (T3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SweepOutcome {
    /// It removed this many expired entries, and left none that had expired when it began.
    Swept {
        /// How many.
        removed: usize,
    },
    /// Another process holds the lease and is sweeping.
    InProgressElsewhere,
    /// The platform removes expired entries by itself.
    DoneByPlatform,
}

/// What a check found (T4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CheckReport {
    /// How far this process's clock is from the store's, in milliseconds; positive when this process is ahead. `None`
    /// where the store runs by this process's clock.
    pub clock_skew_millis: Option<i64>,
}

impl CheckReport {
    /// Whether the clocks are within the bound that TTLs rely on.
    pub fn clock_is_within_bound(&self) -> bool {
        let bound = crate::time::SKEW_BOUND.as_millis();
        self.clock_skew_millis.is_none_or(|skew| u128::from(skew.unsigned_abs()) <= bound)
    }
}
