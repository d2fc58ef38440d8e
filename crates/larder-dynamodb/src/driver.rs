//! The driver: one request of DynamoDB behind each method.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use larder_core::driver::{
    BatchItem, BatchLimits, Driver, DriverError, DriverInfo, Health, Increment, IncrementReply, LayoutKeeper,
    Read, Reaper, RowKey, ScanReply, ScanRequest, Swept, Write, WriteReply,
};
use larder_core::record::Record;
use larder_core::{Consistency, Error, ErrorKind, Result, Timestamp};

use crate::client::connect;
use crate::codec::decode;
use crate::error::failed;
use crate::exchange::{Exchange, Operation};
use crate::options::DynamoDbOptions;
use crate::requests;

/// A table of Amazon DynamoDB.
///
/// Clones share one client: its connections and its credentials.
#[derive(Clone)]
pub struct DynamoDbDriver {
    pub(crate) client: Client,
    pub(crate) place: Arc<Place>,
    info: DriverInfo,
}

impl DynamoDbDriver {
    /// Prepares to use a table. The table is first asked for by the first operation.
    ///
    /// # Errors
    ///
    /// `Unauthorized` when no credentials are found, with the places that were looked in; `InvalidInput` for an endpoint
    /// that is no URL, or a number of shards that is not offered.
    pub async fn open(options: DynamoDbOptions) -> Result<Self> {
        if ![1, 4, 16].contains(&options.shards) {
            let reason = format!("{} shards are not offered: 1, 4 or 16 are", options.shards);
            return Err(Error::new(ErrorKind::InvalidInput, reason));
        }
        let (client, endpoint) = connect(&options).await?;
        let place = Place { table: options.table, region: options.region, endpoint };
        let info = DriverInfo {
            system: "aws.dynamodb",
            store: place.to_string().into(),
            default_shards: options.shards,
            layout: LayoutKeeper::Store,
            // What BatchGetItem and BatchWriteItem take; 25 full values are far from the 16 MiB of a request.
            batch: BatchLimits { reads: 100, writes: 25, write_bytes: 8 * 1024 * 1024, group: None },
            stream_page: 1_000,
            reaper: Reaper::Platform,
        };
        Ok(Self { client, place: Arc::new(place), info })
    }

    pub(crate) fn table(&self) -> &str {
        &self.place.table
    }
}

impl fmt::Debug for DynamoDbDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDbDriver").field("place", &self.place.to_string()).finish_non_exhaustive()
    }
}

/// Where a table is, for errors.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) table: String,
    pub(crate) region: String,
    pub(crate) endpoint: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {} in {}", self.table, self.region)?;
        match &self.endpoint {
            Some(endpoint) => write!(f, " at {}", without_user(endpoint)),
            None => Ok(()),
        }
    }
}

/// The URL without what may be a password (E2).
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    format!("{scheme}://{host}{path}")
}

/// Whether DynamoDB is to answer from the leader of the partition (G1).
pub(crate) fn strong(read: Read) -> bool {
    read.consistency == Consistency::Strong
}

#[async_trait]
impl Driver for DynamoDbDriver {
    fn info(&self) -> &DriverInfo {
        &self.info
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        let request = self.client.get_item().table_name(self.table());
        let mut exchange = Exchange::new(Operation::Get, requests::get(self.table(), key, read));
        exchange.send(pin!(request.send())).await.map_err(|error| failed(&error, &self.place))?;
        let item = exchange.answer()?.items.pop();
        let record = item.map(|item| decode(item, read.projection)).transpose();
        record.map_err(|reason| DriverError::refused(ErrorKind::Corrupt, reason))
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        self.write_one(key, write, now).await
    }

    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        self.count(key, increment, now).await
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        self.query(request).await
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        self.has_no_items().await
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
        // The table's TTL does it: `Reaper::Platform`.
        Ok(Swept::default())
    }

    async fn check(&self) -> Result<Health, DriverError> {
        self.health().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_shown_without_a_password() {
        for (url, shown) in [
            ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
            ("https://user:secret@host/path?token=secret", "https://host/path"),
            ("https://user:se@cret@host", "https://host"),
        ] {
            assert_eq!(without_user(url), shown);
        }
    }
}
