//! A store in memory that has one fault, some of the time.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use larder_core::driver::{
    Driver, DriverError, DriverInfo, Guard, Health, Increment, IncrementReply, Mutation, Observed,
    Projection, Read, RowKey, ScanReply, ScanRequest, Swept, Write, WriteReply,
};
use larder_core::record::{Record, Revision, WriteStamp};
use larder_core::{Consistency, ErrorKind, MemoryDriver, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing.
    None,
    /// A read shows what was there before the last write.
    StaleRead,
    /// A write is acknowledged and not made.
    LostUpdate,
    /// A create replaces what is there.
    AbsentIgnored,
    /// A write bound to a version replaces another one.
    VersionIgnored,
    /// The version is looked at first, and the write made later, whatever is there by then.
    CheckThenWrite,
    /// An addition is made twice.
    AddsTwice,
    /// The counter is read first, and written later.
    ReadThenAdd,
    /// An addition returns the number before it.
    SumOfAnother,
    /// A write that was made is said not to be.
    AppliedReportedAsFailed,
    /// A write that was refused is said to be made.
    RefusedReportedAsApplied,
    /// A delete does nothing.
    DeleteIgnored,
    /// What was deleted or replaced comes back.
    Resurrection,
    /// A refused write shows what was there earlier.
    WrongSight,
    /// A write gets the version of the one before it.
    VersionReused,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::StaleRead,
        Self::LostUpdate,
        Self::AbsentIgnored,
        Self::VersionIgnored,
        Self::CheckThenWrite,
        Self::AddsTwice,
        Self::ReadThenAdd,
        Self::SumOfAnother,
        Self::AppliedReportedAsFailed,
        Self::RefusedReportedAsApplied,
        Self::DeleteIgnored,
        Self::Resurrection,
        Self::WrongSight,
        Self::VersionReused,
    ];
}

/// The store. Clones share it.
#[derive(Clone)]
pub struct Broken {
    fault: Fault,
    inner: MemoryDriver,
    state: Arc<Mutex<State>>,
}

struct State {
    rng: StdRng,
    /// What was under a key before its last write.
    earlier: HashMap<RowKey, Record>,
}

const FULL: Read = Read { projection: Projection::Full, consistency: Consistency::Strong };

impl Broken {
    /// An empty store with this fault, which shows about every fifth time.
    pub fn new(fault: Fault, seed: u64) -> Self {
        let state = State { rng: StdRng::seed_from_u64(seed), earlier: HashMap::new() };
        Self { fault, inner: MemoryDriver::new(), state: Arc::new(Mutex::new(state)) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the fault is this one and shows now. Larder's own records are safe.
    fn shows(&self, fault: Fault, key: &RowKey) -> bool {
        self.fault == fault && !key.key.is_system() && self.lock().rng.random_range(0..5) == 0
    }

    fn earlier(&self, key: &RowKey) -> Option<Record> {
        self.lock().earlier.get(key).cloned()
    }

    async fn current(&self, key: &RowKey) -> Option<Record> {
        self.inner.get(key, FULL).await.ok().flatten()
    }

    /// Keeps what a write took the place of.
    fn remember(&self, key: &RowKey, before: Option<Record>) {
        if let Some(record) = before {
            self.lock().earlier.insert(key.clone(), record);
        }
    }

    /// The write as this store understands it.
    async fn understood(&self, key: &RowKey, write: &Write) -> Write {
        let mut write = write.clone();
        let current = self.current(key).await;
        let ignored = match write.guard {
            Guard::Absent => self.shows(Fault::AbsentIgnored, key),
            Guard::Revision(_) => current.is_some() && self.shows(Fault::VersionIgnored, key),
            Guard::Always | Guard::Live => false,
        };
        if ignored {
            write.guard = Guard::Always;
        }
        if let Some(record) = current
            && self.shows(Fault::VersionReused, key)
        {
            write.stamp = record.stamp;
        }
        write
    }

    /// A write whose condition is looked at first, when others have their turn before it is made.
    async fn check_then_write(
        &self,
        key: &RowKey,
        write: &Write,
        now: Timestamp,
    ) -> Result<WriteReply, DriverError> {
        let current = self.current(key).await;
        let holds = match &write.guard {
            Guard::Revision(revision) => current.as_ref().is_some_and(|record| record.revision == *revision),
            Guard::Absent => current.is_none(),
            Guard::Always | Guard::Live => true,
        };
        if !holds {
            return Ok(WriteReply::Refused(current.into()));
        }
        others_turn().await;
        self.inner.write(key, &Write { guard: Guard::Always, ..write.clone() }, now).await
    }

    /// The reply as this store gives it.
    fn reported(&self, key: &RowKey, write: &Write, reply: WriteReply) -> Result<WriteReply, DriverError> {
        match reply {
            WriteReply::Applied(_) if self.shows(Fault::AppliedReportedAsFailed, key) => {
                Err(DriverError::refused(ErrorKind::Unavailable, "it did not work").permanent())
            }
            WriteReply::Refused(_) if self.shows(Fault::RefusedReportedAsApplied, key) => {
                let revision = Revision::WriteId(write.stamp.id);
                Ok(WriteReply::Applied((!matches!(write.mutation, Mutation::Delete)).then_some(revision)))
            }
            WriteReply::Refused(_) if self.shows(Fault::WrongSight, key) => {
                let earlier = self.earlier(key);
                // The handle would take the write for one that can be sent again.
                let holds = |record: &Record| write.guard == Guard::Revision(record.revision.clone());
                let shown = earlier.filter(|record| !holds(record));
                Ok(WriteReply::Refused(shown.map_or(Observed::NotReturned, |record| Some(record).into())))
            }
            reply => Ok(reply),
        }
    }
}

async fn others_turn() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broken").field("fault", &self.fault).finish_non_exhaustive()
    }
}

#[async_trait]
impl Driver for Broken {
    fn info(&self) -> &DriverInfo {
        self.inner.info()
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        if let Some(record) = self.earlier(key) {
            if self.shows(Fault::StaleRead, key) {
                return Ok(Some(record));
            }
            if self.shows(Fault::Resurrection, key) {
                let Record { value, expires_at, stamp, register, .. } = record;
                let mutation = Mutation::Put { value, expires_at, register };
                self.inner.write(key, &Write { mutation, guard: Guard::Always, stamp }, stamp.at).await?;
            }
        }
        self.inner.get(key, read).await
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        let before = self.current(key).await;
        let write = self.understood(key, write).await;
        let deletes = matches!(write.mutation, Mutation::Delete);
        if self.shows(Fault::CheckThenWrite, key) {
            return self.check_then_write(key, &write, now).await;
        }
        if deletes && self.shows(Fault::DeleteIgnored, key) {
            return Ok(WriteReply::Applied(None));
        }
        if !deletes && write.guard == Guard::Always && self.shows(Fault::LostUpdate, key) {
            return Ok(WriteReply::Applied(Some(Revision::WriteId(write.stamp.id))));
        }
        let reply = self.inner.write(key, &write, now).await?;
        if matches!(reply, WriteReply::Applied(_)) {
            self.remember(key, before);
        }
        self.reported(key, &write, reply)
    }

    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        self.remember(key, self.current(key).await);
        if self.shows(Fault::AddsTwice, key) {
            let again = Increment { stamp: WriteStamp::new(now), ..*increment };
            self.inner.increment(key, &again, now).await?;
        }
        if self.shows(Fault::ReadThenAdd, key)
            && let Ok(step) = increment.step(self.current(key).await, now)
        {
            others_turn().await;
            let write = Write { guard: Guard::Always, ..step.write };
            self.inner.write(key, &write, now).await?;
            return Ok(IncrementReply::Applied { result: step.result, revision: None });
        }
        let reply = self.inner.increment(key, increment, now).await?;
        match reply {
            IncrementReply::Applied { result, revision } if self.shows(Fault::SumOfAnother, key) => {
                Ok(IncrementReply::Applied { result: result - increment.delta, revision })
            }
            IncrementReply::Applied { .. } if self.shows(Fault::AppliedReportedAsFailed, key) => {
                Err(DriverError::refused(ErrorKind::Unavailable, "it did not work").permanent())
            }
            reply => Ok(reply),
        }
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        self.inner.scan(request).await
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        self.inner.is_empty().await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        self.inner.sweep(now, limit).await
    }

    async fn check(&self) -> Result<Health, DriverError> {
        self.inner.check().await
    }
}
