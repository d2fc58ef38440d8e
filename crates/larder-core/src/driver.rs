//! The trait that a backend implements.
//!
//! The split: [`Kv`](crate::Kv) owns the semantics (validation, expiry, retries, lost replies, merging, cursors), a
//! driver owns one platform's requests. `docs/layouts.md` lists, for each operation and platform, the request behind
//! each method, its condition, and what every reply means.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::ErrorKind;
use crate::key::{CanonicalKey, shorten};
use crate::record::{Applied, Record, Register, Revision, WriteStamp};
use crate::time::{Expiry, Timestamp};

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

    /// Reads one record. `Ok(None)` means that the store answered and the row is not there.
    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError>;

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

/// What the handle must know about a driver's platform.
#[derive(Clone, Debug)]
pub struct DriverInfo {
    /// The platform, as OpenTelemetry's `db.system.name`.
    pub system: &'static str,
    /// The table, collection or directory, for people and spans. Never holds a secret.
    pub store: Arc<str>,
    /// The number of shards that a new store gets (L1).
    pub default_shards: u16,
    /// Who keeps the layout record.
    pub layout: LayoutKeeper,
    /// What a batch may hold.
    pub batch: BatchLimits,
    /// The entries of a page that a stream reads at once, 1 to 1,000: many where a request costs, fewer where it does not.
    pub stream_page: usize,
    /// Who removes expired records.
    pub reaper: Reaper,
}

/// Who keeps the layout record (L1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayoutKeeper {
    /// The store itself, under a name that begins with `!`; the handle reads and writes it.
    Store,
    /// A server between the handle and the store; to the handle it is one shard.
    Server,
}

/// Who removes expired records from the store (T3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaper {
    /// The platform, some time after the expiry. A sweep has nothing to do.
    Platform,
    /// The driver, by itself and when asked; no other process can open the store.
    Embedded,
    /// Whoever calls `sweep`, under a lease in the store, since many processes share it.
    Leased,
}

/// What one batch request may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchLimits {
    /// Keys in a `get_batch`.
    pub reads: usize,
    /// Records in a `write_batch`.
    pub writes: usize,
    /// Bytes of values and keys in a `write_batch`.
    pub write_bytes: usize,
}

/// Where a record lives: a shard, and the canonical key in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowKey {
    /// The shard.
    pub shard: Shard,
    /// The key.
    pub key: CanonicalKey,
}

/// One of the partitions that a store spreads its keys over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Shard(pub u16);

impl Shard {
    /// Where all records of Larder's own live, so that the layout can be found before the shard count is known.
    pub const SYSTEM: Self = Self(u16::MAX);
}

/// How to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Read {
    /// Which parts.
    pub projection: Projection,
    /// How fresh.
    pub consistency: Consistency,
}

/// Which parts of a record a read is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Projection {
    /// All of it.
    Full,
    /// All but the value and the register, which need not be transferred (G2, S4).
    Meta,
}

/// How fresh a read must be (G1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Consistency {
    /// It sees every write that was acknowledged before it began, by any process.
    #[default]
    Strong,
    /// It may miss the latest writes; cheaper on some platforms.
    Eventual,
}

/// A change to one record, and the state it is meant for.
#[derive(Clone, Debug)]
pub struct Write {
    /// The change.
    pub mutation: Mutation,
    /// The state that the record must be in.
    pub guard: Guard,
    /// The write's id and the time of this attempt, stored with the record.
    pub stamp: WriteStamp,
}

/// A change to one record.
#[derive(Clone)]
pub enum Mutation {
    /// Replaces the whole record.
    Put {
        /// The new value.
        value: Bytes,
        /// When it expires.
        expires_at: Expiry,
        /// A counter's history; `None` makes a record without one.
        register: Option<Box<Register>>,
    },
    /// Changes the expiry and the stamp, and leaves the value and the register as they are.
    Touch {
        /// The new expiry.
        expires_at: Expiry,
    },
    /// Removes the record.
    Delete,
}

impl fmt::Debug for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { value, expires_at, .. } => f
                .debug_struct("Put")
                .field("value", &format_args!("<{} bytes>", value.len()))
                .field("expires_at", expires_at)
                .finish_non_exhaustive(),
            Self::Touch { expires_at } => f.debug_struct("Touch").field("expires_at", expires_at).finish(),
            Self::Delete => f.write_str("Delete"),
        }
    }
}

/// The state that a record must be in for a write to be applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Guard {
    /// Any, the undecodable included.
    Always,
    /// Absent. A record that has expired counts as absent where the platform can tell in the same request; elsewhere it
    /// refuses, and the handle takes the expired record over by its revision.
    Absent,
    /// Present and not expired.
    Live,
    /// In exactly this state. The handle has judged its expiry.
    Revision(Revision),
}

/// What became of a write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WriteReply {
    /// It was applied, and the record has this revision. A delete has none to tell.
    Applied(Option<Revision>),
    /// The guard did not hold, and nothing changed.
    Refused(Observed),
}

/// What a platform showed of the record that a write was refused for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observed {
    /// This record, which may have expired.
    Record(Box<Record>),
    /// No record.
    Absent,
    /// A record that cannot be decoded, and why.
    Corrupt(String),
    /// Nothing: the handle has to read.
    NotReturned,
}

impl From<Option<Record>> for Observed {
    fn from(record: Option<Record>) -> Self {
        record.map_or(Self::Absent, |record| Self::Record(Box::new(record)))
    }
}

/// An addition to a counter.
#[derive(Clone, Copy)]
pub struct Increment {
    /// What to add.
    pub delta: i64,
    /// The expiry of the counter if this increment makes it; one that is there keeps its own (C1).
    pub expires_at: Expiry,
    /// The increment's id and the time of this attempt.
    pub stamp: WriteStamp,
}

impl fmt::Debug for Increment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Increment").field("stamp", &self.stamp).finish_non_exhaustive()
    }
}

/// The write that applies an increment to a record that was read.
pub struct IncrementStep {
    /// The write, conditional on what was read.
    pub write: Write,
    /// The counter's number after it.
    pub result: i64,
}

impl fmt::Debug for IncrementStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncrementStep").field("write", &self.write).finish_non_exhaustive()
    }
}

impl Increment {
    /// Works out the write that applies this increment to `current`, or the reply that needs none.
    ///
    /// A record that has expired counts as absent. One that is no number, or would overflow, or remembers this very
    /// increment, is refused with what was read.
    ///
    /// # Errors
    ///
    /// The reply to give instead of writing.
    pub fn step(&self, current: Option<Record>, now: Timestamp) -> Result<IncrementStep, IncrementReply> {
        let (number, mut register, expires_at, guard) = match current {
            None => (0, Register::default(), self.expires_at, Guard::Absent),
            Some(record) if record.expires_at.is_past(now) => {
                (0, Register::default(), self.expires_at, Guard::Revision(record.revision))
            }
            Some(record) => match record.counter() {
                Some((number, register))
                    if number.checked_add(self.delta).is_some()
                        && register.result_of(self.stamp.id).is_none() =>
                {
                    (number, register, record.expires_at, Guard::Revision(record.revision))
                }
                _ => return Err(IncrementReply::Refused(Observed::Record(Box::new(record)))),
            },
        };
        let result = number.wrapping_add(self.delta);
        register.push(Applied { stamp: self.stamp, result });
        let value = Bytes::from(result.to_string());
        let mutation = Mutation::Put { value, expires_at, register: Some(Box::new(register)) };
        Ok(IncrementStep { write: Write { mutation, guard, stamp: self.stamp }, result })
    }
}

/// What became of an increment.
#[derive(Clone, PartialEq, Eq)]
pub enum IncrementReply {
    /// It was applied.
    Applied {
        /// The counter's number after it.
        result: i64,
        /// The record's revision.
        revision: Option<Revision>,
    },
    /// It was not: the record is no counter, would overflow, remembers this increment, or has changed.
    Refused(Observed),
}

impl fmt::Debug for IncrementReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Applied { revision, .. } => {
                f.debug_struct("Applied").field("revision", revision).finish_non_exhaustive()
            }
            Self::Refused(observed) => f.debug_tuple("Refused").field(observed).finish(),
        }
    }
}

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
    After(CanonicalKey),
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

/// A row of a scan.
#[derive(Debug)]
pub struct ScanRow {
    /// Its key.
    pub key: CanonicalKey,
    /// Its record, or why it cannot be decoded.
    pub record: Result<Record, String>,
}

impl ScanRow {
    /// The bytes of its value.
    pub(crate) fn size(&self) -> usize {
        self.record.as_ref().map_or(0, |record| record.value.len())
    }
}

/// One position of a batch.
#[derive(Debug)]
pub enum BatchItem<T> {
    /// The platform answered for it.
    Done(Result<T, DriverError>),
    /// The platform left it undone, to be sent again after a pause.
    Unprocessed,
}

/// What a sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// How many expired records were removed.
    pub removed: usize,
    /// Whether there may be more to remove now.
    pub more: bool,
}

/// What a store says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// The time by the store's own clock; `None` where it runs by this process's.
    pub server_time: Option<Timestamp>,
}

/// What became of a request that ended in an error (P4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It was not applied and never will be: it was not sent, or the platform refused it.
    NotApplied,
    /// It was sent, and no answer came: it may have been applied, or may still be.
    Unknown,
}

/// A failed attempt.
#[derive(Clone)]
pub struct DriverError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// What became of the request.
    pub effect: Effect,
    /// Whether the same request can succeed a little later; by its kind unless told otherwise.
    pub retryable: bool,
    /// For people: what is wrong and the way out, without values or secrets.
    pub message: String,
    /// How long the platform asked to wait.
    pub retry_after: Option<Duration>,
    /// The cause.
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl DriverError {
    /// A request that was not applied and never will be.
    pub fn refused(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Effect::NotApplied, message.into())
    }

    /// A request of which nobody knows whether it was applied.
    pub fn unknown(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Effect::Unknown, message.into())
    }

    fn new(kind: ErrorKind, effect: Effect, message: String) -> Self {
        Self { kind, effect, retryable: kind.is_retryable(), message, retry_after: None, source: None }
    }

    /// Adds the cause. It must not print values or secrets.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The same error, which no retry will mend.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.retryable = false;
        self
    }

    /// The same error, of a request that changed nothing.
    #[must_use]
    pub fn not_applied(mut self) -> Self {
        self.effect = Effect::NotApplied;
        self
    }
}

impl fmt::Debug for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DriverError({:?}, {:?}, {:?})", self.kind, self.effect, self.message)
    }
}

/// Forwards every method, the provided ones included, so that a shared driver keeps its own batches and increments.
#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<D: Driver + ?Sized> Driver for Arc<D> {
    fn info(&self) -> &DriverInfo {
        (**self).info()
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        (**self).get(key, read).await
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
