//! The trait that a backend implements.
//!
//! The split: [`Kv`](crate::Kv) owns the semantics (validation, expiry, retries, lost replies, merging, cursors), a
//! driver owns one platform's requests. `docs/layouts.md` lists, for each operation and platform, the request behind
//! each method, its condition, and what every reply means.

mod deadline;
mod error;
mod increment;
mod info;
mod read;
mod scan;
mod write;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

pub use self::deadline::{time_left, until};
pub use self::error::{DriverError, Effect};
pub use self::increment::{Increment, IncrementReply, IncrementStep};
pub use self::info::{BatchLimits, DriverInfo, LayoutKeeper, Reaper};
pub use self::read::{BatchItem, Consistency, Health, Projection, Read, RowKey, Shard, Swept};
pub use self::scan::{ScanReply, ScanRequest, ScanRow, ScanStart, StoredKey};
pub use self::write::{Guard, Mutation, Observed, Write, WriteReply};

use crate::error::ErrorKind;
use crate::record::Record;
use crate::time::{Clock, Timestamp};

/// One platform's requests, on canonical keys and decoded records.
///
/// # Obligations
///
/// - A method is **one attempt**: it never retries, waits or resolves anything. The handle does, for all drivers.
/// - A method may return records that have expired. It judges expiry only inside a write's [`Guard`], by the `now` that
///   it is given, and only where the platform can do so in the same request.
/// - An error says what became of the request: [`Effect`]. A wrong `NotApplied` breaks P4 for every caller.
/// - Errors and logs hold no value and no secret.
/// - Reads are strongly consistent unless [`Consistency::Eventual`] is asked for (G1).
/// - A missing table, collection or directory is an error of kind `NotProvisioned`, never a miss (G3).
#[async_trait]
pub trait Driver: Send + Sync + fmt::Debug {
    /// What the handle must know about the platform. Constant for the life of the driver.
    fn info(&self) -> &DriverInfo;

    /// The clock that expiries in this store are made from and judged by, where it is not the process's own.
    ///
    /// A driver that reaches its store through a server has one: it follows the server's. Its handles go by it whatever
    /// clock they are given, and call [`Driver::check`] before the first operation, after which it has to be right to half
    /// of what that call took.
    fn clock(&self) -> Option<Arc<dyn Clock>> {
        None
    }

    /// Reads one record. `Ok(None)` means that the store answered and the row is not there.
    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError>;

    /// Reads one record that is at hand, without waiting for anything; `None` where it would have to wait.
    ///
    /// The handle asks first, and calls [`Driver::get`] for a `None` or an error. Override it where a read takes less
    /// time than making a future of it.
    fn get_at_hand(&self, _key: &RowKey, _read: Read) -> Option<Result<Option<Record>, DriverError>> {
        None
    }

    /// Writes one record if the guard holds, in one atomic request.
    ///
    /// A guard that does not hold is [`WriteReply::Refused`], with the record that was observed where the platform gives
    /// it. A guard that the platform cannot express ([`Guard::Live`] on most) is `Refused` with
    /// [`Observed::NotReturned`] **without a request**; the handle then reads and comes back with [`Guard::Revision`].
    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError>;

    /// Adds to a counter in one atomic step.
    ///
    /// The provided form reads and writes back under the revision it read. Override it where the platform adds in one
    /// request; such a driver MUST NOT apply an increment whose id is in the record's register, so that a delayed
    /// duplicate changes nothing (C2).
    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
        let current = match self.get(key, read).await {
            Ok(current) => current,
            Err(error) if error.kind == ErrorKind::Corrupt => {
                return Ok(IncrementReply::Refused(Observed::Corrupt(error.message)));
            }
            // Nothing but a read was sent.
            Err(error) => return Err(error.not_applied()),
        };
        let step = match increment.step(current, now) {
            Ok(step) => step,
            Err(reply) => return Ok(reply),
        };
        match self.write(key, &step.write, now).await? {
            WriteReply::Applied(revision) => Ok(IncrementReply::Applied { result: step.result, revision }),
            WriteReply::Refused(observed) => Ok(IncrementReply::Refused(observed)),
        }
    }

    /// Reads a range of one shard in key order, the expired rows included.
    ///
    /// Returns at most `request.limit` rows, and stops early once it has read `request.max_bytes` of values or what
    /// the platform gives at once. At least one row comes back unless the range is at its end.
    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError>;

    /// Whether the store holds no row at all, in no partition, by whomever it was written.
    ///
    /// Asked once, of a store that has no layout record; strongly consistent.
    async fn is_empty(&self) -> Result<bool, DriverError>;

    /// Reads several records; answers in the order of `keys`.
    ///
    /// The handle calls it with at most [`BatchLimits::reads`] distinct keys. The provided form reads them one by one at
    /// once.
    async fn get_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        let reads = keys.iter().map(|key| self.get(key, read));
        Ok(futures_util::future::join_all(reads).await.into_iter().map(BatchItem::Done).collect())
    }

    /// Writes several records unconditionally, not atomically; answers in the order of `writes`.
    ///
    /// The handle calls it with at most [`BatchLimits::writes`] distinct keys and [`BatchLimits::write_bytes`] of values,
    /// all with [`Guard::Always`]. An error means the same for every one of them.
    async fn write_batch(
        &self,
        writes: &[(RowKey, Write)],
        now: Timestamp,
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        let writes = writes.iter().map(|(key, write)| self.write(key, write, now));
        Ok(futures_util::future::join_all(writes).await.into_iter().map(BatchItem::Done).collect())
    }

    /// Removes up to `limit` expired records, each only if it is still the one that was seen to be expired (T3).
    ///
    /// Called only when [`DriverInfo::reaper`] says that the platform has none.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError>;

    /// Asks the store whether it is there and what time it is there, at the cost of one request.
    async fn check(&self) -> Result<Health, DriverError>;
}

/// Forwards every method, the provided ones included, so that a shared driver keeps its own batches and increments.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<D: Driver + ?Sized> Driver for Arc<D> {
    fn info(&self) -> &DriverInfo {
        (**self).info()
    }

    fn clock(&self) -> Option<Arc<dyn Clock>> {
        (**self).clock()
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        (**self).get(key, read).await
    }

    fn get_at_hand(&self, key: &RowKey, read: Read) -> Option<Result<Option<Record>, DriverError>> {
        (**self).get_at_hand(key, read)
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        (**self).write(key, write, now).await
    }

    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        (**self).increment(key, increment, now).await
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        (**self).scan(request).await
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        (**self).is_empty().await
    }

    async fn get_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        (**self).get_batch(keys, read).await
    }

    async fn write_batch(
        &self,
        writes: &[(RowKey, Write)],
        now: Timestamp,
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        (**self).write_batch(writes, now).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        (**self).sweep(now, limit).await
    }

    async fn check(&self) -> Result<Health, DriverError> {
        (**self).check().await
    }
}
