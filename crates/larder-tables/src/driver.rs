//! The driver: one request of Azure Tables behind each method.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use larder_core::driver::{
    BatchItem, BatchLimits, Driver, DriverError, DriverInfo, Health, LayoutKeeper, Projection, Read, Reaper,
    RowKey, ScanReply, ScanRequest, Swept, Write, WriteReply,
};
use larder_core::record::Record;
use larder_core::{Error, ErrorKind, MAX_KEY_BYTES, MAX_VALUE_BYTES, Result, Timestamp};

use crate::client::{Client, connect};
use crate::codec::META;
use crate::error::failed;
use crate::group::MOST_ROWS;
use crate::options::TablesOptions;
use crate::scan::ValueSize;
use crate::sweep::Walks;

/// The most shards of any store on Azure.
pub(crate) const MOST_SHARDS: u16 = 16;

/// The most rows of a batch, and the most bytes of their keys and values.
const MOST_WRITES: usize = 1_000;
const MOST_WRITE_BYTES: usize = 4 * 1024 * 1024;
// A group is never divided, whatever is in it.
const _: () =
    assert!(MOST_ROWS <= MOST_WRITES && MOST_ROWS * (MAX_KEY_BYTES + MAX_VALUE_BYTES) <= MOST_WRITE_BYTES);

/// A table of Azure Table Storage.
///
/// Clones share one client: its connections and its tokens.
#[derive(Clone)]
pub struct TablesDriver {
    pub(crate) client: Arc<Client>,
    pub(crate) place: Arc<Place>,
    pub(crate) walks: Arc<Walks>,
    pub(crate) value_size: Arc<ValueSize>,
    info: DriverInfo,
}

impl TablesDriver {
    /// Prepares to use a table. The table is first asked for by the first operation; a token, where one is needed, now.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for names, an endpoint, a key or a signature that cannot be right, and for a number of shards that is
    /// not offered; `Unauthorized` when no credentials are found, or the token service refuses them; `Unavailable` when it
    /// does not answer.
    pub async fn open(options: TablesOptions) -> Result<Self> {
        if ![1, 4, MOST_SHARDS].contains(&options.shards) {
            let reason = format!("{} shards are not offered: 1, 4 or 16 are", options.shards);
            return Err(Error::new(ErrorKind::InvalidInput, reason));
        }
        let shards = options.shards;
        let place = Place {
            account: options.account.clone(),
            table: options.table.clone(),
            endpoint: options.endpoint_url.clone(),
        };
        let client = Box::pin(connect(options, &place)).await?;
        let info = DriverInfo {
            system: "azure.tables",
            store: place.to_string().into(),
            default_shards: shards,
            layout: LayoutKeeper::Store,
            // There is no batch of reads; what is sent at once is bounded in batch.rs. Groups are of one shard, so that
            // many writes together make few of them: in 16 shards, 1,000 rows are 16 groups of about 63.
            batch: BatchLimits {
                reads: 100,
                writes: MOST_WRITES,
                write_bytes: MOST_WRITE_BYTES,
                group: Some(MOST_ROWS),
            },
            stream_page: 1_000,
            reaper: Reaper::Leased,
        };
        let (client, place) = (Arc::new(client), Arc::new(place));
        Ok(Self { client, place, walks: Arc::default(), value_size: Arc::default(), info })
    }
}

impl fmt::Debug for TablesDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TablesDriver").field("place", &self.place.to_string()).finish_non_exhaustive()
    }
}

/// Where a table is, for errors. The endpoint was checked to hold no password.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) table: String,
    pub(crate) endpoint: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {} of account {}", self.table, self.account)?;
        match &self.endpoint {
            Some(endpoint) => write!(f, " at {endpoint}"),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Driver for TablesDriver {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        let select = (read.projection == Projection::Meta).then_some(META);
        match self.client.get(key, select).await {
            Ok(got) => {
                let record = got.row.decode(Some(got.etag), read.projection);
                record.map(Some).map_err(|reason| DriverError::refused(ErrorKind::Corrupt, reason))
            }
            Err(failure) if failure.refusal().is_some_and(|refusal| refusal.is_missing_row()) => Ok(None),
            Err(failure) => Err(failed(failure, &self.place)),
        }
    }

    async fn write(&self, key: &RowKey, write: &Write, _now: Timestamp) -> Result<WriteReply, DriverError> {
        self.write_one(key, write).await
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        self.query(request).await
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        self.has_no_rows().await
    }

    async fn get_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        Ok(self.read_many(keys, read).await)
    }

    async fn write_batch(
        &self,
        writes: &[(RowKey, Write)],
        _now: Timestamp,
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        self.write_many(writes).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        self.remove_expired(now, limit).await
    }

    async fn check(&self) -> Result<Health, DriverError> {
        self.health().await
    }
}
