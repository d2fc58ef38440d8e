//! The reference driver: a store in this process's memory.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::driver::{
    BatchLimits, Driver, DriverError, DriverInfo, Guard, Health, Increment, IncrementReply, LayoutKeeper,
    Mutation, Observed, Projection, Read, Reaper, RowKey, ScanReply, ScanRequest, ScanRow, ScanStart, Swept,
    Write, WriteReply,
};
use crate::error::ErrorKind;
use crate::key::CanonicalKey;
use crate::record::{Record, Revision};
use crate::time::Timestamp;

/// A store in memory, with every guarantee but durability.
///
/// Clones share the store. It is the reference that other drivers are compared with, and handy in tests of services.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> larder_core::Result<()> {
/// use larder_core::{Kv, MemoryDriver, PutOptions};
///
/// let store = MemoryDriver::new();
/// Kv::new(store.clone()).put("k", "v", PutOptions::new()).await?;
/// assert!(Kv::new(store).exists("k").await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryDriver {
    info: DriverInfo,
    rows: Arc<Mutex<BTreeMap<RowKey, Row>>>,
}

/// What is stored under a key.
enum Row {
    Record(Record),
    /// What no version of the layout can decode; tests plant it.
    Garbage,
}

const GARBAGE: &str = "the record was overwritten with garbage";

impl MemoryDriver {
    /// An empty store of one shard.
    pub fn new() -> Self {
        let info = DriverInfo {
            system: "memory",
            store: "memory".into(),
            default_shards: 1,
            layout: LayoutKeeper::Store,
            batch: BatchLimits { reads: 100, writes: 25, write_bytes: 1 << 20, group: None },
            stream_page: 1_000,
            reaper: Reaper::Embedded,
        };
        Self { info, rows: Arc::default() }
    }

    /// A store that spreads its keys over so many shards, as a cloud's does.
    #[must_use]
    pub fn shards(mut self, shards: u16) -> Self {
        self.info.default_shards = shards;
        self
    }

    /// A store that many processes share, so that a sweep takes a lease first.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.info.reaper = Reaper::Leased;
        self
    }

    /// Overwrites a row with what cannot be decoded, for tests of what a driver does then (E3).
    pub fn corrupt(&self, key: &RowKey) {
        self.lock().insert(key.clone(), Row::Garbage);
    }

    /// How many rows there are, the expired and Larder's own included.
    pub fn row_count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RowKey, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryDriver {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDriver").field("rows", &self.row_count()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Driver for MemoryDriver {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        match self.lock().get(key) {
            None => Ok(None),
            Some(Row::Record(record)) => Ok(Some(projected(record, read.projection))),
            Some(Row::Garbage) => Err(DriverError::refused(ErrorKind::Corrupt, GARBAGE)),
        }
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        Ok(apply(&mut self.lock(), key, write, now))
    }

    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        let mut rows = self.lock();
        let current = match rows.get(key) {
            None => None,
            Some(Row::Record(record)) => Some(record.clone()),
            Some(Row::Garbage) => return Ok(IncrementReply::Refused(Observed::Corrupt(GARBAGE.to_owned()))),
        };
        let step = match increment.step(current, now) {
            Ok(step) => step,
            Err(reply) => return Ok(reply),
        };
        Ok(match apply(&mut rows, key, &step.write, now) {
            WriteReply::Applied(revision) => IncrementReply::Applied { result: step.result, revision },
            WriteReply::Refused(observed) => IncrementReply::Refused(observed),
        })
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        let start = match &request.start {
            ScanStart::At(text) => text.as_str(),
            ScanStart::After(key) => key.as_str(),
        };
        let from = match CanonicalKey::from_canonical(start) {
            Some(key) => Bound::Included(RowKey { shard: request.shard, key }),
            // Not a key: the range begins with the shard, and what sorts before the text is left out below.
            None => Bound::Unbounded,
        };
        let rows = self.lock();
        let mut reply = ScanReply { rows: Vec::new(), more: false };
        let mut bytes = 0;
        let wanted = rows.range((from, Bound::Unbounded)).filter(|(key, _)| {
            let text = key.key.as_str();
            let begins = match &request.start {
                ScanStart::At(_) => text >= start,
                ScanStart::After(_) => text > start,
            };
            key.shard == request.shard && begins && text < request.end.as_str()
        });
        for (key, row) in wanted {
            if reply.rows.len() == request.limit || bytes >= request.max_bytes {
                reply.more = true;
                break;
            }
            let record = match row {
                Row::Record(record) => Ok(projected(record, request.read.projection)),
                Row::Garbage => Err(GARBAGE.to_owned()),
            };
            bytes += record.as_ref().map_or(0, |record| record.value.len());
            reply.rows.push(ScanRow { key: key.key.as_str().into(), record });
        }
        Ok(reply)
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        Ok(self.lock().is_empty())
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        let mut rows = self.lock();
        let is_expired = |row: &Row| matches!(row, Row::Record(record) if record.expires_at.is_past(now));
        let mut expired: Vec<RowKey> = rows
            .iter()
            .filter(|(_, row)| is_expired(row))
            .map(|(key, _)| key.clone())
            .take(limit + 1)
            .collect();
        let more = expired.len() > limit;
        expired.truncate(limit);
        for key in &expired {
            rows.remove(key);
        }
        Ok(Swept { removed: expired.len(), more })
    }

    async fn check(&self) -> Result<Health, DriverError> {
        Ok(Health::default())
    }
}

fn projected(record: &Record, projection: Projection) -> Record {
    match projection {
        Projection::Full => record.clone(),
        Projection::Meta => Record { value: Bytes::new(), register: None, ..record.clone() },
    }
}

/// Applies a write if its guard holds.
fn apply(rows: &mut BTreeMap<RowKey, Row>, key: &RowKey, write: &Write, now: Timestamp) -> WriteReply {
    let current = match rows.get(key) {
        Some(Row::Garbage) if write.guard != Guard::Always => {
            return WriteReply::Refused(Observed::Corrupt(GARBAGE.to_owned()));
        }
        Some(Row::Garbage) | None => None,
        Some(Row::Record(record)) => Some(record),
    };
    if !guard_holds(&write.guard, current, now) {
        return WriteReply::Refused(current.cloned().into());
    }
    let record = match &write.mutation {
        Mutation::Delete => {
            rows.remove(key);
            return WriteReply::Applied(None);
        }
        Mutation::Put { value, expires_at, register } => Record {
            value: value.clone(),
            expires_at: *expires_at,
            stamp: write.stamp,
            revision: Revision::WriteId(write.stamp.id),
            register: register.clone(),
        },
        Mutation::Touch { expires_at } => match current {
            None => return WriteReply::Refused(Observed::Absent),
            Some(record) => Record {
                expires_at: *expires_at,
                stamp: write.stamp,
                revision: Revision::WriteId(write.stamp.id),
                ..record.clone()
            },
        },
    };
    let revision = record.revision.clone();
    rows.insert(key.clone(), Row::Record(record));
    WriteReply::Applied(Some(revision))
}

fn guard_holds(guard: &Guard, current: Option<&Record>, now: Timestamp) -> bool {
    let live = current.filter(|record| !record.expires_at.is_past(now));
    match guard {
        Guard::Always => true,
        Guard::Absent => live.is_none(),
        Guard::Live => live.is_some(),
        Guard::Revision(revision) => current.is_some_and(|record| record.revision == *revision),
    }
}
