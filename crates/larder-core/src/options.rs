//! What a caller may ask of an operation beyond its arguments.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cursor::Cursor;
use crate::error::InvalidInput;
use crate::time::{Expiry, LATEST_EXPIRY, Timestamp, millis_rounded_up};
use crate::version::Version;

/// How to put: for how long, and under which condition.
///
/// ```
/// use larder_core::PutOptions;
/// use std::time::Duration;
///
/// let lease = PutOptions::new().ttl(Duration::from_secs(30)).if_not_exists();
/// # let _ = lease;
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PutOptions {
    /// How long the entry lives; `None` is for ever, also over an entry that had a TTL (T7). Fractions of a millisecond
    /// round up (T1).
    pub ttl: Option<Duration>,
    /// What must hold for the put to be stored (P1).
    pub condition: Condition,
}

impl PutOptions {
    /// No TTL, no condition.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the entry live for `ttl` from now.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Stores only if the key is absent. An expired entry is absent.
    #[must_use]
    pub fn if_not_exists(mut self) -> Self {
        self.condition = Condition::IfAbsent;
        self
    }

    /// Stores only if the entry still has this version.
    #[must_use]
    pub fn if_version(mut self, version: Version) -> Self {
        self.condition = Condition::IfVersion(version);
        self
    }
}

/// What must hold for a put to be stored (P1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Condition {
    /// Nothing.
    #[default]
    Always,
    /// The key is absent.
    IfAbsent,
    /// The entry has this version.
    IfVersion(Version),
}

/// The lifetime that a touch gives (T5).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TouchOptions {
    /// How long the entry lives from now; `None` is for ever.
    pub ttl: Option<Duration>,
    /// The version that the entry must have.
    pub version: Option<Version>,
}

impl TouchOptions {
    /// Lets the entry live for `ttl` from now.
    pub fn expire_after(ttl: Duration) -> Self {
        Self { ttl: Some(ttl), version: None }
    }

    /// Lets the entry live until it is deleted or replaced.
    pub fn persist() -> Self {
        Self { ttl: None, version: None }
    }

    /// Only if the entry still has this version.
    #[must_use]
    pub fn if_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }
}

/// The most entries of a page (S2).
pub const MAX_PAGE_LIMIT: usize = 1_000;

/// The most bytes of values in a page (S2).
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// How to scan.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ScanOptions {
    /// The most entries of a page, 1 to [`MAX_PAGE_LIMIT`]; 100 unless told (S2).
    pub limit: usize,
    /// Where to go on; `None` is the beginning (S3).
    pub cursor: Option<Cursor>,
}

impl ScanOptions {
    /// From the beginning, 100 entries a page.
    pub fn new() -> Self {
        Self { limit: 100, cursor: None }
    }

    /// The most entries of a page.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Goes on where another page ended. A page's `cursor` can be given as it is: `None` starts at the beginning.
    #[must_use]
    pub fn cursor(mut self, cursor: impl Into<Option<Cursor>>) -> Self {
        self.cursor = cursor.into();
        self
    }

    pub(crate) fn check(&self) -> Result<(), InvalidInput> {
        if (1..=MAX_PAGE_LIMIT).contains(&self.limit) {
            return Ok(());
        }
        Err(InvalidInput::new(format!(
            "the limit is {}; a page has 1 to {MAX_PAGE_LIMIT} entries",
            self.limit
        )))
    }
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The expiry of something written now with that TTL (T1).
pub(crate) fn expiry(ttl: Option<Duration>, now: Timestamp) -> Result<Expiry, InvalidInput> {
    let Some(ttl) = ttl else { return Ok(Expiry::NEVER) };
    if ttl.is_zero() {
        return Err(InvalidInput::new(
            "the TTL is zero; give at least a millisecond, or none for an entry that stays",
        ));
    }
    let moment = now.as_millis().checked_add(millis_rounded_up(ttl)).map(Timestamp::from_millis);
    match moment {
        Some(moment) if moment <= LATEST_EXPIRY => Ok(Expiry::at(moment)),
        _ => Err(InvalidInput::new(format!(
            "the TTL of {} s ends after the year 9999; leave it out for an entry that stays",
            ttl.as_secs()
        ))),
    }
}

/// The expiry of something that is written until that moment (T1). A moment before 1970 has passed as one of 1970 has.
pub(crate) fn expiry_at(until: Option<SystemTime>) -> Result<Expiry, InvalidInput> {
    let Some(until) = until else { return Ok(Expiry::NEVER) };
    let since_epoch = until.duration_since(UNIX_EPOCH).unwrap_or_default();
    let moment = Timestamp::from_millis(0).plus(since_epoch);
    if moment <= LATEST_EXPIRY {
        return Ok(Expiry::at(moment));
    }
    Err(InvalidInput::new("the entry ends after the year 9999; leave the moment out for one that stays"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    #[test]
    fn a_ttl_counts_from_now() {
        let expires_at = expiry(Some(Duration::from_millis(1)), NOW).expect("fits");
        assert_eq!(expires_at.moment(), Some(Timestamp::from_millis(1_767_225_600_001)));
        assert_eq!(expiry(None, NOW).expect("fits"), Expiry::NEVER);
    }

    #[test]
    fn a_ttl_of_zero_or_past_the_year_9999_is_refused() {
        let last = Duration::from_millis(LATEST_EXPIRY.as_millis() - NOW.as_millis());
        assert!(expiry(Some(last), NOW).is_ok());
        for ttl in [Duration::ZERO, last + Duration::from_nanos(1), Duration::MAX] {
            assert!(expiry(Some(ttl), NOW).is_err(), "{ttl:?}");
        }
    }

    #[test]
    fn a_moment_is_kept_as_it_is() {
        let last = LATEST_EXPIRY.to_system_time();
        for (until, expected) in [
            (NOW.to_system_time(), Some(NOW.as_millis())),
            (NOW.to_system_time() + Duration::from_nanos(1), Some(NOW.as_millis() + 1)),
            (UNIX_EPOCH, Some(0)),
            (UNIX_EPOCH - Duration::from_secs(1), Some(0)),
            (last, Some(LATEST_EXPIRY.as_millis())),
            (last + Duration::from_millis(1), None),
        ] {
            assert_eq!(expiry_at(Some(until)).ok().map(Expiry::to_raw), expected, "{until:?}");
        }
        assert_eq!(expiry_at(None).expect("never"), Expiry::NEVER);
    }

    #[test]
    fn a_page_has_one_to_a_thousand_entries() {
        assert!(ScanOptions::new().limit(1).check().is_ok());
        assert!(ScanOptions::new().limit(1_000).check().is_ok());
        assert!(ScanOptions::new().limit(0).check().is_err());
        assert!(ScanOptions::new().limit(1_001).check().is_err());
    }
}
