//! The driver: one request of Firestore behind each method.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use larder_core::driver::{
    BatchItem, BatchLimits, Driver, DriverError, DriverInfo, Health, LayoutKeeper, Read, Reaper, RowKey,
    ScanReply, ScanRequest, Swept, Write, WriteReply,
};
use larder_core::record::Record;
use larder_core::{Error, ErrorKind, Result, Timestamp};

use crate::channels::Channels;
use crate::client::Connector;
use crate::credentials::Tokens;
use crate::endpoint::{EMULATOR_HOST, Endpoint};
use crate::names::Place;
use crate::options::FirestoreOptions;

/// A collection of Google Cloud Firestore.
///
/// Clones share the connections and the credentials.
#[derive(Clone)]
pub struct FirestoreDriver {
    pub(crate) channels: Channels,
    pub(crate) place: Arc<Place>,
    info: DriverInfo,
}

impl FirestoreDriver {
    /// Prepares to use a collection. The first operation connects and asks for it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an endpoint that is no URL of a server, names that are none, or credentials that would be sent
    /// in the clear; `Unauthorized` when no credentials are found, with the places that were looked in, or they are
    /// refused; `Unavailable` when who gives tokens is down.
    pub async fn open(options: FirestoreOptions) -> Result<Self> {
        // These two also stand in a header of every request.
        check_name("projectId", &options.project, |name| name.bytes().all(|byte| byte.is_ascii_graphic()))?;
        check_name("databaseId", &options.database, |name| name.bytes().all(|byte| byte.is_ascii_graphic()))?;
        check_name("collectionName", &options.collection, |_| true)?;
        let endpoint = Endpoint::of(&options, std::env::var(EMULATOR_HOST).ok())?;
        let FirestoreOptions { project, database, collection, connect_timeout, max_channels, .. } = options;
        let place = Arc::new(Place::new(project, database, collection, endpoint.url));
        let tokens = Tokens::find(endpoint.credentials, connect_timeout, &place).await?;
        let connector = Connector { place: Arc::clone(&place), tokens, limit: connect_timeout };
        let info = DriverInfo {
            system: "gcp.firestore",
            store: place.to_string().into(),
            default_shards: 1,
            layout: LayoutKeeper::Store,
            // A BatchWrite takes 500 writes and 10 MiB. A batch has less than half of that, so that it can be sent within an
            // attempt, and leaves room for names and fields.
            batch: BatchLimits { reads: 100, writes: 500, write_bytes: 4 * 1024 * 1024, group: None },
            stream_page: 1_000,
            reaper: Reaper::Platform,
        };
        Ok(Self { channels: Channels::new(connector, max_channels), place, info })
    }
}

/// Refuses what would name something else once it stands in a resource path.
fn check_name(field: &str, name: &str, fits: impl FnOnce(&str) -> bool) -> Result<()> {
    let is_segment = !name.is_empty()
        && name.len() <= 1_500
        && !matches!(name, "." | "..")
        && !name.contains('/')
        && !name.chars().any(char::is_control);
    let is_reserved = name.len() >= 4 && name.starts_with("__") && name.ends_with("__");
    if is_segment && !is_reserved && fits(name) {
        return Ok(());
    }
    let message =
        format!("{field} is no name: it has to be one segment of a path, not . or .., not between two __");
    Err(Error::new(ErrorKind::InvalidInput, message))
}

impl fmt::Debug for FirestoreDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirestoreDriver").field("place", &self.place.to_string()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Driver for FirestoreDriver {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        self.read_one(key, read).await
    }

    async fn write(&self, key: &RowKey, write: &Write, _now: Timestamp) -> Result<WriteReply, DriverError> {
        self.write_one(key, write).await
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        self.query(request).await
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        self.has_no_documents().await
    }

    async fn get_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        self.read_batch(keys, read).await
    }

    async fn write_batch(
        &self,
        writes: &[(RowKey, Write)],
        _now: Timestamp,
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        self.write_many(writes).await
    }

    async fn sweep(&self, _now: Timestamp, _limit: usize) -> Result<Swept, DriverError> {
        // The TTL policy on `exp` does it: `Reaper::Platform`.
        Ok(Swept::default())
    }

    async fn check(&self) -> Result<Health, DriverError> {
        self.health().await
    }
}
