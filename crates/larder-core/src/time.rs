//! Time as the store sees it: epoch milliseconds, expiries, and the clock that tests replace.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The bound on the difference between two processes' clocks that the contract assumes (T4).
pub const SKEW_BOUND: Duration = Duration::from_secs(2);

/// The last millisecond of the year 9999, the latest moment that an entry can expire at (T1).
pub const LATEST_EXPIRY: Timestamp = Timestamp(253_402_300_799_999);

/// A moment in whole milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment that many milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This moment moved forward; it stops at the largest representable one.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis_rounded_up(by)))
    }

    /// How long after `earlier` this moment is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The same moment for the standard library.
    pub fn to_system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0)
    }
}

/// A moment before 1970 reads as 1970.
impl From<SystemTime> for Timestamp {
    fn from(moment: SystemTime) -> Self {
        let since_epoch = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

/// When an entry stops being there: a moment, or never.
///
/// Ordered by time, with [`Expiry::NEVER`] last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expiry(u64);

impl Expiry {
    /// The entry stays until it is deleted or replaced.
    pub const NEVER: Self = Self(u64::MAX);

    /// The entry is absent from `moment` on.
    pub const fn at(moment: Timestamp) -> Self {
        Self(moment.0)
    }

    /// The moment, or `None` for never.
    pub fn moment(self) -> Option<Timestamp> {
        (self != Self::NEVER).then_some(Timestamp(self.0))
    }

    /// Whether an entry with this expiry is absent at `now` (T2).
    pub fn is_past(self, now: Timestamp) -> bool {
        self.0 <= now.0
    }

    /// How much longer the entry lives at `now`; `None` for never, zero once it has expired (T6).
    pub fn remaining(self, now: Timestamp) -> Option<Duration> {
        self.moment().map(|moment| moment.since(now))
    }

    /// The number that is stored: epoch milliseconds, or `u64::MAX` for never.
    pub const fn to_raw(self) -> u64 {
        self.0
    }

    /// Reads the number that [`Expiry::to_raw`] wrote.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

impl fmt::Debug for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.moment() {
            Some(moment) => write!(f, "Expiry({}ms)", moment.0),
            None => f.write_str("Expiry(never)"),
        }
    }
}

/// The wall clock that expiries are made from and judged by.
///
/// "Now" is the evaluating process's clock (T4). Services use [`SystemClock`]; tests drive a [`ManualClock`].
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// How far this clock has been moved to follow another one, in milliseconds; 0 for one that follows none.
    ///
    /// Times that were made by it before are off by as much as this has changed since.
    fn correction(&self) -> i64 {
        0
    }
}

/// The operating system's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Of a clock before 1970 every expiry is in the future, so nothing is lost.
        SystemTime::now().into()
    }
}

/// A clock that stands still until it is told to move.
///
/// ```
/// use larder_core::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::default();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().since(before), Duration::from_secs(60));
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that shows `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.0))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(millis_rounded_up(by), Ordering::SeqCst);
    }

    /// Moves the clock to `now`, which may be in its past.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(Timestamp(1_767_225_600_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Whole milliseconds, rounded up so that no positive duration becomes zero.
pub(crate) fn millis_rounded_up(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_absent_from_its_expiry_on() {
        let expiry = Expiry::at(Timestamp(1_000));
        assert!(!expiry.is_past(Timestamp(999)));
        assert!(expiry.is_past(Timestamp(1_000)));
        assert!(!Expiry::NEVER.is_past(Timestamp(u64::MAX - 1)));
    }

    #[test]
    fn fractions_of_a_millisecond_round_up() {
        assert_eq!(millis_rounded_up(Duration::from_nanos(1)), 1);
        assert_eq!(millis_rounded_up(Duration::from_millis(7)), 7);
        assert_eq!(millis_rounded_up(Duration::MAX), u64::MAX);
    }
}
