//! A driver on a store in memory that has one fault.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use larder_conformance::{Harness, ModelSize, TestStore};
use larder_core::driver::{
    BatchItem, Driver, DriverError, DriverInfo, Guard, Health, Increment, IncrementReply, Mutation,
    Projection, Read, RowKey, ScanReply, ScanRequest, ScanStart, Swept, Write, WriteReply,
};
use larder_core::record::{Record, WriteStamp};
use larder_core::{CanonicalKey, Consistency, ErrorKind, Expiry, MemoryDriver, Timestamp};

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    None,
    StaleRead,
    MissForCorrupt,
    MissForOutage,
    ExpiredSatisfiesVersion,
    FactsWithoutExpiry,
    LosesLastZero,
    FoldsCase,
    ExpiryInSeconds,
    KeepsOldExpiry,
    AbsentTooEarly,
    AbsentIgnored,
    LiveIgnoresExpiry,
    RevisionIgnored,
    RevisionIgnoredByDeletes,
    RevisionByValue,
    CheckThenWrite,
    AppliedReportedAsRefused,
    UnconditionalNeedsDecodable,
    TouchDropsValue,
    TouchDropsRegister,
    TouchKeepsRevision,
    StampWithoutTime,
    AddsTwice,
    AddsDuplicates,
    ForgetsRegister,
    AdditionRenewsLifetime,
    AdditionWraps,
    ReadThenAdd,
    ScanUnordered,
    ScanTwice,
    ScanEndsEarly,
    ScanIgnoresLimit,
    ScanSkipsCorrupt,
    ScanStartsBehind,
    BatchReadsInAnotherOrder,
    BatchWritesInAnotherOrder,
    BatchForgetsLast,
    SweepByOldHints,
    SweepRemovesFreshWrite,
    ForgetsAtRestart,
    ShowsKeyInErrors,
    ShowsValuesInDebug,
}

/// Lets the other tasks go on. Twice, since the handle polls an attempt that is not ready once more at once.
async fn others_turn() {
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
}

const FULL: Read = Read { projection: Projection::Full, consistency: Consistency::Strong };

pub(crate) struct BrokenHarness {
    fault: Fault,
    name: String,
}

impl BrokenHarness {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, name: format!("{fault:?}") }
    }
}

#[async_trait]
impl Harness for BrokenHarness {
    fn name(&self) -> &str {
        &self.name
    }

    async fn create(&self) -> Arc<dyn TestStore> {
        Arc::new(BrokenStore { broken: Mutex::new(Broken::new(self.fault)) })
    }

    fn model(&self) -> ModelSize {
        ModelSize { sequences: 8, operations: 20 }
    }

    fn case_limit(&self) -> Duration {
        Duration::from_secs(20)
    }
}

struct BrokenStore {
    broken: Mutex<Broken>,
}

#[async_trait]
impl TestStore for BrokenStore {
    async fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(self.broken.lock().expect("no panic").clone())
    }

    async fn corrupt(&self, key: &RowKey) {
        self.broken.lock().expect("no panic").inner.corrupt(key);
    }

    async fn restart(&self) {
        let mut broken = self.broken.lock().expect("no panic");
        if broken.fault == Fault::ForgetsAtRestart {
            *broken = Broken::new(broken.fault);
        }
    }
}

#[derive(Clone)]
struct Broken {
    fault: Fault,
    inner: MemoryDriver,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// What was under a key before the last write, until it has been read once.
    stale: Mutex<HashMap<RowKey, Option<Record>>>,
    /// The first expiry that a key ever had.
    hints: Mutex<HashMap<RowKey, Expiry>>,
    writes: AtomicUsize,
    misses: AtomicUsize,
    last_value: Mutex<Bytes>,
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fault == Fault::ShowsValuesInDebug {
            return write!(f, "Broken({:?})", self.state.last_value.lock().expect("no panic"));
        }
        f.debug_struct("Broken").field("fault", &self.fault).finish_non_exhaustive()
    }
}

impl Broken {
    fn new(fault: Fault) -> Self {
        let inner = MemoryDriver::new().shards(4);
        Self { fault, inner, state: Arc::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    async fn current(&self, key: &RowKey) -> Option<Record> {
        self.inner.get(key, FULL).await.ok().flatten()
    }

    /// The row that is taken for this one.
    fn row(&self, key: &RowKey) -> RowKey {
        let folded = CanonicalKey::from_canonical(key.key.as_str().to_lowercase());
        match folded {
            Some(folded) if self.is(Fault::FoldsCase) && !key.key.is_system() => {
                RowKey { key: folded, ..key.clone() }
            }
            _ => key.clone(),
        }
    }

    /// The write as this driver understands it.
    async fn understood(&self, key: &RowKey, write: &Write) -> Write {
        let mut write = write.clone();
        let current = self.current(key).await;
        match &mut write.mutation {
            Mutation::Put { value, expires_at, register } => {
                if self.is(Fault::LosesLastZero) && value.last() == Some(&0) {
                    value.truncate(value.len() - 1);
                }
                if self.is(Fault::ExpiryInSeconds) && *expires_at != Expiry::NEVER {
                    *expires_at = Expiry::from_raw(expires_at.to_raw() / 1_000 * 1_000);
                }
                if self.is(Fault::KeepsOldExpiry) && *expires_at == Expiry::NEVER {
                    *expires_at = current.as_ref().map_or(Expiry::NEVER, |record| record.expires_at);
                }
                if self.is(Fault::ForgetsRegister) {
                    *register = None;
                }
                *self.state.last_value.lock().expect("no panic") = value.clone();
            }
            Mutation::Touch { expires_at } => {
                let (expires_at, current) = (*expires_at, current.clone());
                let register = current.as_ref().and_then(|record| record.register.clone());
                let value = current.map(|record| record.value).unwrap_or_default();
                if self.is(Fault::TouchDropsValue) {
                    write.mutation = Mutation::Put { value: Bytes::new(), expires_at, register };
                } else if self.is(Fault::TouchDropsRegister) {
                    write.mutation = Mutation::Put { value, expires_at, register: None };
                }
            }
            Mutation::Delete => {}
        }
        if self.is(Fault::StampWithoutTime) {
            write.stamp.at = Timestamp::from_millis(0);
        }
        if self.is(Fault::TouchKeepsRevision)
            && let (Mutation::Touch { .. }, Some(record)) = (&write.mutation, &current)
        {
            write.stamp = record.stamp;
        }
        write.guard = self.guard(&write, current.as_ref());
        write
    }

    fn guard(&self, write: &Write, current: Option<&Record>) -> Guard {
        let deletes = matches!(write.mutation, Mutation::Delete);
        match (&write.guard, current) {
            (Guard::Absent, _) if self.is(Fault::AbsentIgnored) => Guard::Always,
            (Guard::Revision(_), Some(_)) if self.is(Fault::RevisionIgnored) => Guard::Always,
            (Guard::Revision(_), _) if self.is(Fault::RevisionIgnoredByDeletes) && deletes => Guard::Always,
            // Whatever is there with the value of the last write that had it.
            (Guard::Revision(_), Some(record))
                if self.is(Fault::RevisionByValue) && record.value == b"same"[..] =>
            {
                Guard::Revision(record.revision.clone())
            }
            (guard, _) => guard.clone(),
        }
    }

    async fn remember(&self, key: &RowKey, write: &Write) {
        if key.key.is_system() {
            return;
        }
        if self.is(Fault::StaleRead) {
            let current = self.current(key).await;
            self.state.stale.lock().expect("no panic").insert(key.clone(), current);
        }
        if let Mutation::Put { expires_at, .. } = &write.mutation {
            self.state.hints.lock().expect("no panic").entry(key.clone()).or_insert(*expires_at);
        }
    }

    /// An increment by reading and writing, with what this driver gets wrong about it.
    async fn add(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        let Ok(current) = self.inner.get(key, FULL).await else {
            return self.inner.increment(key, increment, now).await;
        };
        if self.is(Fault::ReadThenAdd) {
            others_turn().await;
        }
        let live = current.filter(|record| !record.expires_at.is_past(now));
        let Ok(step) = increment.step(live.clone(), now) else {
            return self.inner.increment(key, increment, now).await;
        };
        let mut write = Write { guard: Guard::Always, ..step.write };
        if let (Mutation::Put { expires_at, .. }, Fault::AdditionRenewsLifetime) =
            (&mut write.mutation, self.fault)
        {
            *expires_at = increment.expires_at;
        }
        let write = self.understood(key, &write).await;
        Ok(match self.inner.write(key, &write, now).await? {
            WriteReply::Applied(revision) => IncrementReply::Applied { result: step.result, revision },
            WriteReply::Refused(observed) => IncrementReply::Refused(observed),
        })
    }

    fn shown(&self, key: &RowKey, mut error: DriverError) -> DriverError {
        if self.is(Fault::ShowsKeyInErrors) {
            error.message = format!("{} in {}", error.message, key.key.as_str());
        }
        error
    }
}

#[async_trait]
impl Driver for Broken {
    fn info(&self) -> &DriverInfo {
        self.inner.info()
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        let key = &self.row(key);
        if let Some(stale) = self.state.stale.lock().expect("no panic").remove(key) {
            return Ok(stale);
        }
        match self.inner.get(key, read).await {
            Ok(Some(record)) if self.is(Fault::FactsWithoutExpiry) && read.projection == Projection::Meta => {
                Ok(Some(Record { expires_at: Expiry::NEVER, ..record }))
            }
            Err(_) if self.is(Fault::MissForCorrupt) => Ok(None),
            // Every third request does not reach its server, and the driver says that there is nothing.
            Ok(Some(_))
                if self.is(Fault::MissForOutage)
                    && self.state.misses.fetch_add(1, Ordering::Relaxed).is_multiple_of(3) =>
            {
                Ok(None)
            }
            // The versions made of it outlive their entry.
            Ok(Some(record)) if self.is(Fault::ExpiredSatisfiesVersion) => {
                let later = |moment: Timestamp| Expiry::at(moment.plus(Duration::from_secs(3600)));
                let expires_at = record.expires_at.moment().map_or(Expiry::NEVER, later);
                Ok(Some(Record { expires_at, ..record }))
            }
            result => result.map_err(|error| self.shown(key, error)),
        }
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        let key = &self.row(key);
        self.remember(key, write).await;
        let write = self.understood(key, write).await;
        let now = match write.guard {
            Guard::Live if self.is(Fault::LiveIgnoresExpiry) => Timestamp::from_millis(0),
            Guard::Absent if self.is(Fault::AbsentTooEarly) => now.plus(Duration::from_secs(1)),
            _ => now,
        };
        if self.is(Fault::CheckThenWrite)
            && let Guard::Revision(revision) = &write.guard
            && let Ok(current) = self.inner.get(key, FULL).await
        {
            if current.as_ref().is_none_or(|record| record.revision != *revision) {
                return Ok(WriteReply::Refused(current.into()));
            }
            others_turn().await;
            return self.inner.write(key, &Write { guard: Guard::Always, ..write }, now).await;
        }
        if self.is(Fault::UnconditionalNeedsDecodable)
            && let Err(error) = self.inner.get(key, FULL).await
        {
            return Err(error);
        }
        let reply = self.inner.write(key, &write, now).await?;
        let count = self.state.writes.fetch_add(1, Ordering::SeqCst);
        if self.is(Fault::AppliedReportedAsRefused) && !key.key.is_system() && count.is_multiple_of(2) {
            return Err(DriverError::refused(ErrorKind::Unavailable, "it did not work"));
        }
        Ok(reply)
    }

    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        let key = &self.row(key);
        let again = Increment { stamp: WriteStamp::new(increment.stamp.at), ..*increment };
        match self.fault {
            Fault::AddsTwice => {
                self.inner.increment(key, &again, now).await?;
                self.inner.increment(key, increment, now).await
            }
            Fault::AddsDuplicates => self.inner.increment(key, &again, now).await,
            Fault::ForgetsRegister | Fault::AdditionRenewsLifetime | Fault::ReadThenAdd => {
                self.add(key, increment, now).await
            }
            Fault::AdditionWraps => {
                let reply = self.inner.increment(key, increment, now).await?;
                let number =
                    self.current(key).await.and_then(|record| record.counter()).map(|(number, _)| number);
                match (&reply, number.map(|number| number.overflowing_add(increment.delta))) {
                    (IncrementReply::Refused(_), Some((sum, true))) => {
                        let value = Bytes::from(sum.to_string());
                        let mutation = Mutation::Put { value, expires_at: Expiry::NEVER, register: None };
                        let write = Write { mutation, guard: Guard::Always, stamp: increment.stamp };
                        self.inner.write(key, &write, now).await?;
                        Ok(IncrementReply::Applied { result: sum, revision: None })
                    }
                    _ => Ok(reply),
                }
            }
            _ => self.inner.increment(key, increment, now).await,
        }
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        let mut request = request.clone();
        if self.is(Fault::ScanIgnoresLimit) {
            request.limit = request.limit.saturating_add(2);
        }
        if let (Fault::ScanStartsBehind, ScanStart::At(text)) = (self.fault, &request.start) {
            request.start = ScanStart::After(text.as_str().into());
        }
        let mut reply = self.inner.scan(&request).await?;
        match self.fault {
            Fault::ScanUnordered => reply.rows.reverse(),
            Fault::ScanTwice => {
                if let Some(row) = reply.rows.pop() {
                    let twice =
                        larder_core::driver::ScanRow { key: row.key.clone(), record: row.record.clone() };
                    reply.rows.extend([twice, row]);
                }
            }
            Fault::ScanEndsEarly => reply.more = false,
            Fault::ScanSkipsCorrupt => reply.rows.retain(|row| row.record.is_ok()),
            _ => {}
        }
        Ok(reply)
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        self.inner.is_empty().await
    }

    async fn get_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        let keys: Vec<RowKey> = keys.iter().map(|key| self.row(key)).collect();
        let mut items = Vec::new();
        for key in &keys {
            items.push(BatchItem::Done(self.get(key, read).await));
        }
        if self.is(Fault::BatchReadsInAnotherOrder) {
            items.reverse();
        }
        Ok(items)
    }

    async fn write_batch(
        &self,
        writes: &[(RowKey, Write)],
        now: Timestamp,
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        let mut items = Vec::new();
        for (at, (key, write)) in writes.iter().enumerate() {
            let reply = if self.is(Fault::BatchForgetsLast) && at == 24 {
                Ok(WriteReply::Applied(Some(larder_core::record::Revision::WriteId(write.stamp.id))))
            } else {
                self.write(key, write, now).await
            };
            items.push(BatchItem::Done(reply));
        }
        if self.is(Fault::BatchWritesInAnotherOrder) {
            items.reverse();
        }
        Ok(items)
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        let hints = match self.fault {
            Fault::SweepRemovesFreshWrite | Fault::SweepByOldHints => {
                self.state.hints.lock().expect("no panic").clone()
            }
            _ => HashMap::new(),
        };
        let mut ended = Vec::new();
        for (key, hint) in hints {
            let current = self.current(&key).await;
            let by_record = current.as_ref().is_some_and(|record| record.expires_at.is_past(now));
            let by_hint = current.is_some() && hint.is_past(now);
            if (self.is(Fault::SweepRemovesFreshWrite) && by_record)
                || (self.is(Fault::SweepByOldHints) && by_hint)
            {
                ended.push(key);
            }
        }
        for key in ended {
            // In the time that a request takes, others write.
            others_turn().await;
            let delete =
                Write { mutation: Mutation::Delete, guard: Guard::Always, stamp: WriteStamp::new(now) };
            self.inner.write(&key, &delete, now).await?;
        }
        self.inner.sweep(now, limit).await
    }

    async fn check(&self) -> Result<Health, DriverError> {
        self.inner.check().await
    }
}
