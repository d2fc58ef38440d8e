//! The driver: reads inline, writes through the writer, long scans off the async workers.

use std::fmt;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use larder_core::driver::{
    BatchItem, BatchLimits, Driver, DriverError, DriverInfo, Health, Increment, IncrementReply, LayoutKeeper,
    Projection, Read, Reaper, RowKey, ScanReply, ScanRequest, ScanRow, ScanStart, Swept, Write, WriteReply,
};
use larder_core::record::Record;
use larder_core::{Error, ErrorKind, Result, Timestamp};
use sled::IVec;
use tokio::task::spawn_blocking;

use crate::codec::decode;
use crate::error::failed;
use crate::options::SledOptions;
use crate::registry;
use crate::store::{Handle, Store};
use crate::write::PreparedWrite;

/// What a scan reads on the caller's own thread: a handful of point reads' worth. A change of threads costs more than that.
/// The rest of a larger request is read off the async workers.
const INLINE_ROWS: usize = 256;
const INLINE_BYTES: usize = 256 * 1024;

/// An embedded store in a directory.
///
/// Clones, and drivers of the same directory in the same process, share one open store. It is closed when the last of
/// them is dropped, which blocks until all is on disk.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> larder_core::Result<()> {
/// # let dir = tempfile::tempdir().expect("a directory");
/// # let dir = dir.path();
/// use larder_core::{Kv, PutOptions};
/// use larder_sled::{SledDriver, SledOptions};
///
/// let kv = Kv::new(SledDriver::open(dir, SledOptions::new()).await?);
/// kv.put("greeting", "hello", PutOptions::new()).await?;
/// assert_eq!(kv.get_text("greeting").await?.as_deref(), Some("hello"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SledDriver {
    handle: Arc<Handle>,
    info: DriverInfo,
}

impl SledDriver {
    /// Opens the store in a directory, and makes both if they are not there.
    ///
    /// # Errors
    ///
    /// `Unavailable` when another process has it open, or the disk is full; `NotProvisioned` when the path is no directory
    /// or holds other files; `Unauthorized` when this process may not write there; `Corrupt` when the store is damaged;
    /// `NotConfigured` when it is open in this process with another durability. Each names the directory.
    pub async fn open(dir: impl AsRef<Path>, options: SledOptions) -> Result<Self> {
        let dir = dir.as_ref().to_owned();
        let opened = spawn_blocking(move || registry::open(&dir, &options)).await;
        Ok(Self::on(opened.map_err(|error| {
            Error::new(ErrorKind::Internal, "opening the store panicked").with_source(error)
        })??))
    }

    pub(crate) fn on(handle: Arc<Handle>) -> Self {
        let info = DriverInfo {
            system: "sled",
            store: Arc::clone(&handle.dir),
            default_shards: 1,
            layout: LayoutKeeper::Store,
            batch: BatchLimits { reads: 1_000, writes: 1_000, write_bytes: 8 * 1024 * 1024, group: None },
            stream_page: INLINE_ROWS,
            reaper: Reaper::Embedded,
        };
        Self { handle, info }
    }

    /// Overwrites a record with raw bytes, so that tests can see what happens to one that cannot be decoded (E3).
    ///
    /// # Errors
    ///
    /// What keeps the store from writing.
    #[doc(hidden)]
    pub async fn plant(&self, key: &RowKey, raw: &[u8]) -> Result<(), DriverError> {
        self.handle.writer.plant(key.clone(), raw.to_vec()).await
    }

    fn read(&self, key: &RowKey, projection: Projection) -> Result<Option<Record>, DriverError> {
        let store = &self.handle.store;
        let in_tree = store.data.get(key.key.as_bytes()).map_err(|error| failed(&error))?;
        // In this order: see `Pending`.
        let durable = store.pending.durable(key.key.as_bytes(), in_tree);
        store.check()?;
        let record = durable.map(|stored| decode(stored, projection)).transpose();
        record.map_err(|reason| DriverError::refused(ErrorKind::Corrupt, reason))
    }
}

impl fmt::Debug for SledDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledDriver").field("dir", &self.handle.dir).finish_non_exhaustive()
    }
}

#[async_trait]
impl Driver for SledDriver {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        self.read(key, read.projection)
    }

    fn get_at_hand(&self, key: &RowKey, read: Read) -> Option<Result<Option<Record>, DriverError>> {
        Some(self.read(key, read.projection))
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        self.handle.writer.write(PreparedWrite::new(key, write, now)).await
    }

    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        self.handle.writer.increment(key.clone(), *increment, now).await
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        let mut first = request.clone();
        first.limit = request.limit.min(INLINE_ROWS);
        first.max_bytes = request.max_bytes.min(INLINE_BYTES);
        let mut reply = scan(&self.handle.store, &first)?;
        let bytes =
            reply.rows.iter().flat_map(|row| &row.record).map(|record| record.value.len()).sum::<usize>();
        let full = reply.rows.len() >= request.limit || bytes >= request.max_bytes;
        let (true, false, Some(last)) = (reply.more, full, reply.rows.last()) else { return Ok(reply) };
        let rest = ScanRequest {
            start: ScanStart::After(last.key.clone()),
            limit: request.limit - reply.rows.len(),
            max_bytes: request.max_bytes - bytes,
            ..first
        };
        let store = Arc::clone(&self.handle.store);
        let scanned = spawn_blocking(move || scan(&store, &rest)).await;
        let rest = scanned.map_err(|_| DriverError::refused(ErrorKind::Internal, "the scan panicked"))??;
        reply.rows.extend(rest.rows);
        reply.more = rest.more;
        Ok(reply)
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        // As scans see it: a layout that is on its way to the disk cannot be read yet, and is no row either.
        Ok(self.scan(&ScanRequest::any_row(char::MAX)).await?.rows.is_empty())
    }

    async fn get_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        Ok(keys.iter().map(|key| BatchItem::Done(self.read(key, read.projection))).collect())
    }

    async fn write_batch(
        &self,
        writes: &[(RowKey, Write)],
        now: Timestamp,
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        let replies = self
            .handle
            .writer
            .batch(writes.iter().map(|(key, write)| PreparedWrite::new(key, write, now)).collect())
            .await?;
        Ok(replies.into_iter().map(|reply| BatchItem::Done(Ok(reply))).collect())
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        self.handle.writer.sweep(now, limit).await
    }

    async fn check(&self) -> Result<Health, DriverError> {
        self.handle.store.check()?;
        Ok(Health::default())
    }
}

/// Reads a range. Blocks.
fn scan(store: &Store, request: &ScanRequest) -> Result<ScanReply, DriverError> {
    let mut start = match &request.start {
        ScanStart::At(text) => Bound::Included(IVec::from(text.as_str())),
        ScanStart::After(key) => Bound::Excluded(IVec::from(key.as_str())),
    };
    loop {
        let (rows, last) = read_range(store, &start, request)?;
        store.check()?;
        match last {
            // Rows that are not yet durable may have been all there was so far.
            Some(last) if rows.is_empty() => start = Bound::Excluded(last),
            last => return Ok(ScanReply { rows, more: last.is_some() }),
        }
    }
}

/// The durable rows of a range, and the last key that was read if the range goes on behind it.
fn read_range(
    store: &Store,
    start: &Bound<IVec>,
    request: &ScanRequest,
) -> Result<(Vec<ScanRow>, Option<IVec>), DriverError> {
    let projection = request.read.projection;
    let end = Bound::Excluded(IVec::from(request.end.as_str()));
    let mut rows = Vec::with_capacity(request.limit.min(1_024));
    let mut bytes = 0;
    let mut last = None;
    let mut read_to = None;
    for pair in store.data.range((start.clone(), end)) {
        if rows.len() == request.limit || bytes >= request.max_bytes {
            last = read_to;
            break;
        }
        let (key, stored) = pair.map_err(|error| failed(&error))?;
        if projection == Projection::Full {
            bytes += stored.len();
        }
        rows.push(row(&key, stored, projection)?);
        read_to = Some(key);
    }
    let in_range = |key: &[u8]| {
        let behind_start = match start {
            Bound::Included(start) => key >= start.as_ref(),
            Bound::Excluded(start) => key > start.as_ref(),
            Bound::Unbounded => true,
        };
        behind_start && last.as_ref().map_or(key < request.end.as_bytes(), |last| key <= last.as_ref())
    };
    for (key, image) in store.pending.images_of(in_range) {
        put_back(&mut rows, &key, image, projection)?;
    }
    // Rows that are gone from the tree, but not yet durably, may be too many.
    if rows.len() > request.limit {
        rows.truncate(request.limit);
        last = rows.last().map(|row| row.key.as_str().as_bytes().into());
    }
    Ok((rows, last))
}

/// Puts a row back to what is durable of it.
fn put_back(
    rows: &mut Vec<ScanRow>,
    key: &IVec,
    durable: Option<IVec>,
    projection: Projection,
) -> Result<(), DriverError> {
    let place = rows.binary_search_by(|row| row.key.as_str().as_bytes().cmp(key));
    match (place, durable) {
        (Ok(at), Some(stored)) => rows[at] = row(key, stored, projection)?,
        (Ok(at), None) => drop(rows.remove(at)),
        (Err(at), Some(stored)) => rows.insert(at, row(key, stored, projection)?),
        (Err(_), None) => {}
    }
    Ok(())
}

fn row(key: &IVec, stored: IVec, projection: Projection) -> Result<ScanRow, DriverError> {
    let text = std::str::from_utf8(key).map_err(|_| {
        DriverError::refused(ErrorKind::Corrupt, "the store holds a row whose key is no text")
    })?;
    Ok(ScanRow { key: text.into(), record: decode(stored, projection) })
}
