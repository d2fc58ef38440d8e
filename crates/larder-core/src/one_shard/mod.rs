//! A part of a store as one shard: what a server lets others at.

mod batch;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use smol_str::SmolStr;

use self::batch::{at_positions, check_distinct, each, sorted_out};
use crate::driver::{
    BatchItem, BatchLimits, Driver, DriverError, DriverInfo, Guard, Health, Increment, IncrementReply,
    LayoutKeeper, Mutation, Read, Reaper, RowKey, ScanReply, ScanRequest, ScanRow, ScanStart, Shard,
    StoredKey, Swept, Write, WriteReply,
};
use crate::error::ErrorKind;
use crate::key::{AFTER_EVERY_KEY, BEFORE_EVERY_KEY, CanonicalKey, MAX_KEY_BYTES};
use crate::kv::fetch_size;
use crate::layout::Layout;
use crate::merge::{Merge, Next};
use crate::options::{MAX_PAGE_BYTES, MAX_PAGE_LIMIT};
use crate::record::Record;
use crate::time::{Clock, Expiry, LATEST_EXPIRY, Timestamp};
use crate::value::MAX_VALUE_BYTES;

/// What a handle reaches of a store, as a driver of one shard. Made by [`Kv::one_shard`](crate::Kv::one_shard).
///
/// Keys are relative to the handle's namespace, and nothing outside of it is reached, whatever is asked: neither another
/// namespace nor Larder's own records (K5). What a handle checks before it asks its driver is checked here: keys, values,
/// expiries, and whether the layout may be written. Each call is still one attempt, on all shards at once if need be.
#[derive(Clone)]
pub struct OneShard {
    inner: Arc<dyn Driver>,
    info: DriverInfo,
    layout: Layout,
    namespace: Arc<str>,
    clock: Arc<dyn Clock>,
}

fn invalid(reason: impl Into<String>) -> DriverError {
    DriverError::refused(ErrorKind::InvalidInput, reason)
}

impl OneShard {
    pub(crate) fn new(
        inner: Arc<dyn Driver>,
        layout: Layout,
        namespace: Arc<str>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let info = DriverInfo {
            default_shards: 1,
            layout: LayoutKeeper::Server,
            // Who serves the store looks after it.
            reaper: Reaper::Platform,
            // Which shard of the store a row is in is not the handle's to know.
            batch: BatchLimits { group: None, ..inner.info().batch },
            ..inner.info().clone()
        };
        Self { inner, info, layout, namespace, clock }
    }

    /// The time by the clock of the handle that it was made from.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Where a key is below.
    fn row(&self, key: &CanonicalKey) -> Result<RowKey, DriverError> {
        if key.is_system() {
            return Err(invalid("the name is one of Larder's own records, and those are out of reach"));
        }
        let text: SmolStr = [&*self.namespace, key.as_str()].concat().into();
        if text.len() > MAX_KEY_BYTES {
            return Err(invalid(format!(
                "the key has {} bytes in canonical form with its namespace; a key has 1 to {MAX_KEY_BYTES}",
                text.len()
            )));
        }
        let key = CanonicalKey::from_text(text).map_err(|_| invalid("the key is not in canonical form"))?;
        Ok(RowKey { shard: self.layout.shard_of(&key), key })
    }

    fn check_write(&self, write: &Write) -> Result<(), DriverError> {
        self.check_writer()?;
        match &write.mutation {
            Mutation::Put { value, expires_at, .. } => {
                check_expiry(*expires_at)?;
                if value.len() > MAX_VALUE_BYTES {
                    return Err(invalid(format!(
                        "the value has {} bytes; a value has up to {MAX_VALUE_BYTES}",
                        value.len()
                    )));
                }
                Ok(())
            }
            Mutation::Touch { expires_at } => check_expiry(*expires_at),
            Mutation::Delete => Ok(()),
        }
    }

    fn check_writer(&self) -> Result<(), DriverError> {
        let checked = self.layout.check_writer();
        checked.map_err(|error| DriverError::refused(error.kind(), error.message().to_owned()))
    }

    /// The text below of a text in the namespace.
    fn below(&self, text: &str) -> String {
        [&*self.namespace, text].concat()
    }

    /// The row as it is seen from the namespace.
    fn above(&self, shard: Shard, row: ScanRow) -> Result<ScanRow, DriverError> {
        let Some(key) = row.key.as_str().strip_prefix(&*self.namespace).map(StoredKey::from) else {
            return Err(DriverError::refused(
                ErrorKind::Internal,
                "the driver answered a scan with rows outside of it",
            ));
        };
        // Reads look for it elsewhere and do not find it.
        let is_astray =
            row.record.is_ok() && row.key.canonical().is_ok_and(|key| self.layout.shard_of(&key) != shard);
        let record = if is_astray { Err(ASTRAY.to_owned()) } else { row.record };
        Ok(ScanRow { key, record })
    }
}

/// What is wrong with a row that is in another shard than its key's.
pub(crate) const ASTRAY: &str =
    "the row is in another shard than its key's: was it copied from another store?";

fn check_expiry(expires_at: Expiry) -> Result<(), DriverError> {
    if expires_at.moment().is_some_and(|moment| moment > LATEST_EXPIRY) {
        return Err(invalid("the TTL ends after the year 9999; give a shorter one, or none for never"));
    }
    Ok(())
}

#[async_trait]
impl Driver for OneShard {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    fn clock(&self) -> Option<Arc<dyn Clock>> {
        Some(Arc::clone(&self.clock))
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        self.inner.get(&self.row(&key.key)?, read).await
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        self.check_write(write)?;
        self.inner.write(&self.row(&key.key)?, write, now).await
    }

    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        self.check_writer()?;
        check_expiry(increment.expires_at)?;
        self.inner.increment(&self.row(&key.key)?, increment, now).await
    }

    /// One round of requests, to all shards at once. It gives at least one row unless the range is at its end, since every
    /// shard that is not gives one.
    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        let first = BEFORE_EVERY_KEY.to_string();
        let start = match &request.start {
            ScanStart::At(text) => ScanStart::At(self.below(text.max(&first))),
            ScanStart::After(key) if key.as_str() < first.as_str() => ScanStart::At(self.below(&first)),
            ScanStart::After(key) => ScanStart::After(self.below(key.as_str()).into()),
        };
        let end = self.below((&*request.end).min(&AFTER_EVERY_KEY.to_string()));
        let begin = match &start {
            ScanStart::At(text) => text.as_str(),
            ScanStart::After(key) => key.as_str(),
        };
        if begin >= end.as_str() {
            return Ok(ScanReply { rows: Vec::new(), more: false });
        }
        let limit = request.limit.clamp(1, MAX_PAGE_LIMIT);
        let max_bytes = request.max_bytes.clamp(1, MAX_PAGE_BYTES);
        let shards: Vec<_> = self.layout.all_shards().collect();
        let rows_each = fetch_size(limit, shards.len());
        let requests = shards.iter().map(|&shard| {
            let (start, end, read) = (start.clone(), end.clone(), request.read);
            let request = ScanRequest { shard, start, end, limit: rows_each, max_bytes, read };
            async move { Ok::<_, DriverError>((shard, self.inner.scan(&request).await?)) }
        });
        let replies = try_join_all(requests).await?;
        let mut merge = Merge::new(shards);
        for (shard, reply) in replies {
            if reply.more && reply.rows.is_empty() {
                let reason = "the driver says that there is more, and gives no row";
                return Err(DriverError::refused(ErrorKind::Internal, reason));
            }
            merge.feed(shard, reply);
        }
        let (mut rows, mut bytes) = (Vec::new(), 0);
        loop {
            match merge.next() {
                Next::Row(size) if rows.len() < limit && bytes < max_bytes => {
                    let Some((shard, row)) = merge.take() else { continue };
                    bytes += size;
                    rows.push(self.above(shard, row)?);
                }
                Next::Row(_) | Next::Fetch(_) => return Ok(ScanReply { rows, more: true }),
                Next::End => return Ok(ScanReply { rows, more: false }),
            }
        }
    }

    /// Whether the namespace is.
    async fn is_empty(&self) -> Result<bool, DriverError> {
        Ok(self.scan(&ScanRequest::any_row(AFTER_EVERY_KEY)).await?.rows.is_empty())
    }

    async fn get_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        let (rows, positions) = sorted_out(keys.iter().map(|key| self.row(&key.key)));
        check_distinct(rows.iter())?;
        let chunks = rows.chunks(self.info.batch.reads.max(1));
        let reads = chunks.map(async |chunk| each(self.inner.get_batch(chunk, read).await, chunk.len()));
        Ok(at_positions(positions, join_all(reads).await.into_iter().flatten()))
    }

    async fn write_batch(
        &self,
        writes: &[(RowKey, Write)],
        now: Timestamp,
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        let (below, positions) = sorted_out(writes.iter().map(|(key, write)| {
            self.check_write(write)?;
            if write.guard != Guard::Always {
                return Err(invalid("a write of a batch has a condition; send it by itself"));
            }
            Ok((self.row(&key.key)?, write.clone()))
        }));
        check_distinct(below.iter().map(|(row, _)| row))?;
        let chunks = self.chunks(&below);
        let sent =
            chunks.iter().map(async |chunk| each(self.inner.write_batch(chunk, now).await, chunk.len()));
        Ok(at_positions(positions, join_all(sent).await.into_iter().flatten()))
    }

    /// Nothing: who serves the store looks after it, and a part of it says nothing about the rest.
    async fn sweep(&self, _: Timestamp, _: usize) -> Result<Swept, DriverError> {
        Ok(Swept::default())
    }

    async fn check(&self) -> Result<Health, DriverError> {
        self.inner.check().await
    }
}

impl fmt::Debug for OneShard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneShard")
            .field("store", &self.info.store)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
