//! Writing one entry (P1, P2, T5).

use std::pin::pin;

use super::read::entry;
use super::resolve::{Change, End, Intent};
use super::{Kv, Place};
use crate::driver::{Observed, RowKey};
use crate::error::Result;
use crate::operation::Operation;
use crate::options::{Condition, PutOptions, TouchOptions, expiry};
use crate::outcome::{DeleteOutcome, PutOutcome, Seen, TouchOutcome};
use crate::value::Value;
use crate::version::Version;

impl Kv {
    /// Stores a value of up to 24,576 bytes.
    ///
    /// Without a TTL the entry stays, also over one that had a TTL (T7). With a condition that does not hold nothing
    /// changes, and the outcome says so (P1). One request, plus at most two where a condition meets an expired entry that
    /// the platform still shows.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions};
    /// # use std::time::Duration;
    /// # let kv = Kv::new(MemoryDriver::new());
    /// let lock = PutOptions::new().ttl(Duration::from_secs(30)).if_not_exists();
    /// assert!(kv.put("lock:report", "worker-1", lock.clone()).await?.is_stored());
    /// assert!(!kv.put("lock:report", "worker-2", lock).await?.is_stored());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a key, value, TTL or version out of bounds, before any I/O. `Ambiguous` when the reply was lost
    /// and the store does not show whether the write was applied; with every other kind it was not, and never will be
    /// (P4). `Corrupt` when the condition meets a record that cannot be decoded.
    pub async fn put(
        &self,
        key: impl AsRef<str>,
        value: impl Into<Value>,
        options: PutOptions,
    ) -> Result<PutOutcome> {
        let key = key.as_ref();
        let value = value.into();
        let work = pin!(async {
            let value = value.checked()?;
            let early = expiry(options.ttl, self.now())?;
            let canonical = self.canonical(key)?;
            let intent = match options.condition {
                Condition::Always => Intent::Always,
                Condition::IfAbsent => Intent::Absent,
                Condition::IfVersion(version) => Intent::version(version, &canonical)?,
            };
            let (expires_at, waited) = self.settled_expiry(early, options.ttl).await?;
            if intent.has_expired(self.now()) {
                return Ok(PutOutcome::ConditionFailed(Seen::NotShown));
            }
            let Place { row, deadline } = self.place_to_write(canonical).await?;
            let change = Change::put(value, expires_at, intent).until(deadline.or(waited));
            Ok(match self.shared.write(Operation::Put, &row, change).await? {
                End::Applied(revision) => PutOutcome::Stored(revision.version(&row, expires_at)?),
                End::ConditionFailed(observed) => PutOutcome::ConditionFailed(self.seen(key, &row, observed)),
            })
        });
        self.observed_on(Operation::Put, key, work).await
    }

    /// Makes the key absent. It succeeds also when the key was absent already (P2).
    ///
    /// # Errors
    ///
    /// As [`Kv::put`]; a record that cannot be decoded is removed (E3).
    pub async fn delete(&self, key: impl AsRef<str>) -> Result<()> {
        let key = key.as_ref();
        let work = pin!(async {
            let Place { row, deadline } = self.place_to_write(self.canonical(key)?).await?;
            let change = Change::delete(Intent::Always).until(deadline);
            self.shared.write(Operation::Delete, &row, change).await?;
            Ok(())
        });
        self.observed_on(Operation::Delete, key, work).await
    }

    /// Removes the entry if it still has this version (P2).
    ///
    /// # Errors
    ///
    /// As [`Kv::put`]. A delete leaves nothing behind that would tell whose it was: when its reply is lost and the key
    /// is absent, the error is `Ambiguous`.
    pub async fn delete_if_version(&self, key: impl AsRef<str>, version: Version) -> Result<DeleteOutcome> {
        let key = key.as_ref();
        let work = pin!(async {
            let canonical = self.canonical(key)?;
            let intent = Intent::version(version, &canonical)?;
            let waited = self.learn_time().await?;
            if intent.has_expired(self.now()) {
                return Ok(DeleteOutcome::ConditionFailed(Seen::NotShown));
            }
            let Place { row, deadline } = self.place_to_write(canonical).await?;
            let change = Change::delete(intent).until(deadline.or(waited));
            Ok(match self.shared.write(Operation::Delete, &row, change).await? {
                End::Applied(_) => DeleteOutcome::Deleted,
                End::ConditionFailed(observed) => {
                    DeleteOutcome::ConditionFailed(self.seen(key, &row, observed))
                }
            })
        });
        self.observed_on(Operation::Delete, key, work).await
    }

    /// Gives an entry a new lifetime, or lets it stay (T5). The value is not sent again where the platform can avoid it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, TouchOptions};
    /// # use std::time::Duration;
    /// # let kv = Kv::new(MemoryDriver::new());
    /// let outcome = kv.touch("session:1", TouchOptions::expire_after(Duration::from_secs(1800))).await?;
    /// assert!(!outcome.is_touched(), "there is no such session");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Kv::put`].
    pub async fn touch(&self, key: impl AsRef<str>, options: TouchOptions) -> Result<TouchOutcome> {
        let key = key.as_ref();
        let work = pin!(async {
            let early = expiry(options.ttl, self.now())?;
            let canonical = self.canonical(key)?;
            let intent = match options.version {
                None => Intent::Live,
                Some(version) => Intent::version(version, &canonical)?,
            };
            let (expires_at, waited) = self.settled_expiry(early, options.ttl).await?;
            if intent.has_expired(self.now()) {
                return Ok(TouchOutcome::ConditionFailed(Seen::NotShown));
            }
            let Place { row, deadline } = self.place_to_write(canonical).await?;
            let change = Change::touch(expires_at, intent).until(deadline.or(waited));
            Ok(match self.shared.write(Operation::Touch, &row, change).await? {
                End::Applied(revision) => TouchOutcome::Touched(revision.version(&row, expires_at)?),
                End::ConditionFailed(observed) => match self.seen(key, &row, observed) {
                    Seen::Absent => TouchOutcome::Absent,
                    seen => TouchOutcome::ConditionFailed(seen),
                },
            })
        });
        self.observed_on(Operation::Touch, key, work).await
    }

    fn seen(&self, key: &str, row: &RowKey, observed: Observed) -> Seen {
        let now = self.now();
        match observed {
            Observed::Record(record) if !record.expires_at.is_past(now) => {
                Seen::Entry(entry(key, row, *record, now))
            }
            Observed::Record(_) | Observed::Absent => Seen::Absent,
            Observed::Corrupt(_) | Observed::NotReturned => Seen::NotShown,
        }
    }
}
