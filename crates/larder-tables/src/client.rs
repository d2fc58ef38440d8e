//! The service's operations, as the rest of the driver uses them.
//!
//! This file and the transport below it are all that knows of `azure_data_tables`: whatever comes after it goes here.

use std::sync::Arc;

use azure_core_legacy::auth::Secret;
use azure_core_legacy::prelude::Continuable;
use azure_core_legacy::{Etag, RetryOptions, TransportOptions};
use azure_data_tables::IfMatchCondition;
use azure_data_tables::clients::{TableClient, TableServiceClientBuilder};
use azure_data_tables::prelude::{EntityClient, PartitionKeyClient};
use azure_storage::{CloudLocation, StorageCredentials};
use futures_util::StreamExt;
use larder_core::driver::{RowKey, Shard};
use larder_core::{Error, ErrorKind, Result, Timestamp};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Url};
use smol_str::SmolStr;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::codec::{Entity, Partition, Row, row_key};
use crate::credentials::Credentials;
use crate::driver::{MOST_SHARDS, Place};
use crate::endpoint::{base_url, check_names, check_privacy, checked_key, checked_signature};
use crate::error::Failure;
use crate::options::TablesOptions;
use crate::sign::Signer;
use crate::token::Tokens;
use crate::transport::{MINIMAL_METADATA, Transport, http_client};

/// The version of the service's interface that the SDK asks for too.
const API_VERSION: &str = "2022-11-02";

/// A table, and the way to it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) table: TableClient,
    /// One for each shard of users' keys: a client of the SDK's is a copy of all that it knows.
    partitions: Vec<PartitionKeyClient>,
    /// For what the SDK cannot do as it is needed.
    pub(crate) transport: Arc<Transport>,
    /// The account's URL, without a slash at its end.
    base: Url,
    /// The URL of the table, which rows' names are put behind.
    pub(crate) rows: String,
}

/// A row that was read.
pub(crate) struct Got {
    pub(crate) row: Row,
    pub(crate) etag: SmolStr,
    /// The time by the service's clock.
    pub(crate) date: Option<Timestamp>,
}

/// Some rows of a query.
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    /// Where there may be more.
    pub(crate) next: Option<Next>,
}

/// A place in a query: partition and row key, as the service gave them.
pub(crate) type Next = (String, Option<String>);

/// What a row's ETag must be.
#[derive(Clone, Copy)]
pub(crate) enum IfMatch<'a> {
    /// Anything: the row must be there.
    Any,
    Etag(&'a str),
}

impl From<IfMatch<'_>> for IfMatchCondition {
    fn from(condition: IfMatch<'_>) -> Self {
        match condition {
            IfMatch::Any => Self::Any,
            IfMatch::Etag(etag) => Self::Etag(Etag::from(etag)),
        }
    }
}

impl Client {
    fn entity(&self, row: &RowKey) -> EntityClient {
        // A quote would have to be doubled; no canonical key and no partition holds one.
        match self.partitions.get(usize::from(row.shard.0)) {
            Some(partition) => partition.entity_client(row_key(&row.key)),
            None => partition(&self.table, row.shard).entity_client(row_key(&row.key)),
        }
    }

    pub(crate) async fn get(&self, row: &RowKey, select: Option<&'static str>) -> Result<Got, Failure> {
        let mut request = self.entity(row).get::<Row>();
        if let Some(select) = select {
            request = request.select(select);
        }
        let reply = quiet(request.into_future()).await.map_err(Failure::of)?;
        let date = reply.common_storage_response_headers.date.unix_timestamp();
        let date = u64::try_from(date).ok().map(|seconds| Timestamp::from_millis(seconds * 1_000));
        Ok(Got { row: reply.entity, etag: reply.etag.as_ref().into(), date })
    }

    /// Makes a row that must not be there. Returns its ETag, as all that write do.
    pub(crate) async fn insert(&self, entity: &Entity<'_>) -> Result<SmolStr, Failure> {
        let request = self.table.insert::<_, serde_json::Value>(entity).map_err(unfit)?;
        Ok(quiet(request.into_future()).await.map_err(Failure::of)?.etag.as_ref().into())
    }

    /// Makes a row or replaces it, whatever is there.
    pub(crate) async fn replace_any(&self, row: &RowKey, entity: &Entity<'_>) -> Result<SmolStr, Failure> {
        let request = self.entity(row).insert_or_replace(entity).map_err(unfit)?;
        Ok(quiet(request.into_future()).await.map_err(Failure::of)?.etag.as_ref().into())
    }

    /// Replaces a row that is there.
    pub(crate) async fn replace(
        &self,
        row: &RowKey,
        entity: &Entity<'_>,
        when: IfMatch<'_>,
    ) -> Result<SmolStr, Failure> {
        let request = self.entity(row).update(entity, when.into()).map_err(unfit)?;
        Ok(quiet(request.into_future()).await.map_err(Failure::of)?.etag.as_ref().into())
    }

    /// Changes some properties of a row that is there.
    pub(crate) async fn merge(
        &self,
        row: &RowKey,
        entity: &Entity<'_>,
        when: IfMatch<'_>,
    ) -> Result<SmolStr, Failure> {
        let request = self.entity(row).merge(entity, when.into()).map_err(unfit)?;
        Ok(quiet(request.into_future()).await.map_err(Failure::of)?.etag.as_ref().into())
    }

    /// Removes a row that is there.
    pub(crate) async fn delete(&self, row: &RowKey, when: IfMatch<'_>) -> Result<(), Failure> {
        let request = self.entity(row).delete().if_match(IfMatchCondition::from(when));
        quiet(request.into_future()).await.map(drop).map_err(Failure::of)
    }

    /// One request of a query, from its beginning or from where the last one ended.
    pub(crate) async fn query(
        &self,
        filter: Option<String>,
        select: Option<&'static str>,
        top: usize,
        from: Option<Next>,
    ) -> Result<Page, Failure> {
        let mut request = self.table.query().top(u32::try_from(top).unwrap_or(u32::MAX));
        if let Some(filter) = filter {
            request = request.filter(filter);
        }
        if let Some(select) = select {
            request = request.select(select);
        }
        if let Some((partition, row)) = from {
            request = request.initial_partition_key(partition);
            if let Some(row) = row {
                request = request.initial_row_key(row);
            }
        }
        let mut pages = request.into_stream::<Row>();
        match quiet(pages.next()).await {
            Some(page) => {
                let page = page.map_err(Failure::of)?;
                let next = page.continuation();
                Ok(Page { rows: page.entities, next })
            }
            None => Ok(Page { rows: Vec::new(), next: None }),
        }
    }

    /// Makes the table. By hand: the SDK reads its answer as one with all metadata.
    pub(crate) async fn create_table(&self) -> Result<(), Failure> {
        let mut request = self.request(Method::POST, "Tables")?;
        let body = serde_json::json!({ "TableName": self.table_name() }).to_string();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert("prefer", HeaderValue::from_static("return-no-content"));
        *request.body_mut() = Some(body.into());
        quiet(self.transport.send(request)).await.map(drop)
    }

    /// Removes the table and all its rows.
    pub(crate) async fn delete_table(&self) -> Result<(), Failure> {
        quiet(self.table.delete().into_future()).await.map(drop).map_err(Failure::of)
    }

    /// A request that the SDK has no part in, to a path below the account.
    pub(crate) fn request(&self, method: Method, path: &str) -> Result<Request, Failure> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}/{path}")).map_err(|_| Failure::Unfit("the URL is none"))?;
        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(MINIMAL_METADATA));
        headers.insert("x-ms-version", HeaderValue::from_static(API_VERSION));
        headers.insert("dataserviceversion", HeaderValue::from_static("3.0;"));
        headers.insert("maxdataserviceversion", HeaderValue::from_static("3.0;NetFx"));
        Ok(request)
    }

    pub(crate) fn table_name(&self) -> &str {
        self.table.table_name()
    }
}

fn partition(table: &TableClient, shard: Shard) -> PartitionKeyClient {
    table.partition_key_client(Partition(shard).to_string())
}

fn unfit(_: azure_core_legacy::Error) -> Failure {
    Failure::Unfit("the row is no JSON")
}

/// A request of the SDK without the SDK's own events: they print requests, values included (E2).
///
/// The handle's span around it tells what was done, how long it took and how it ended.
pub(crate) fn quiet<T>(request: impl Future<Output = T>) -> impl Future<Output = T> {
    request.with_subscriber(Dispatch::none())
}

/// A client of its own: two bindings share neither connections nor credentials.
pub(crate) async fn connect(options: TablesOptions, place: &Place) -> Result<Client> {
    check_names(&options)?;
    let base = base_url(&options)?;
    let http = http_client(options.connect_timeout, &base).map_err(|_| {
        Error::new(ErrorKind::Internal, "the HTTP client could not be made: are there no root certificates?")
    })?;
    let found_in_environment = matches!(options.credentials, Credentials::Environment);
    let credentials = options.credentials.resolved(|name| std::env::var(name).ok())?;
    check_privacy(&base, &credentials)?;
    let signer = match credentials {
        Credentials::AccountKey(key) => {
            Signer::SharedKey { account: options.account.clone(), key: Secret::new(checked_key(key)?) }
        }
        Credentials::Sas(signature) => Signer::Sas(checked_signature(&signature)?),
        identity => Signer::Tokens(
            Tokens::open(identity, found_in_environment, options.connect_timeout, place).await?,
        ),
    };
    let transport = Transport::new(http, signer);
    let location = CloudLocation::Custom {
        account: options.account,
        uri: base.as_str().trim_end_matches('/').to_owned(),
    };
    let rows = format!("{}/{}", base.as_str().trim_end_matches('/'), options.table);
    // The transport signs, below all that the SDK logs.
    let table = TableServiceClientBuilder::with_location(location, StorageCredentials::anonymous())
        .retry(RetryOptions::none())
        .transport(TransportOptions::new(Arc::clone(&transport) as Arc<dyn azure_core_legacy::HttpClient>))
        .build()
        .table_client(options.table);
    let partitions = (0..MOST_SHARDS).map(|shard| partition(&table, Shard(shard))).collect();
    Ok(Client { table, partitions, transport, base, rows })
}
