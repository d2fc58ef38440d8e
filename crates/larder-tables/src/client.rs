//! The way to a table, and what is asked of all of it.
//!
//! This file and the transport below it are all that knows of `azure_data_tables`: whatever comes after it goes here.
//! Requests for rows are sent by hand on the same transport: the SDK copies all that it knows of an account for each of
//! them, and every header to and fro, which is a quarter of the time that a processor spends on a request.

use std::sync::Arc;

use azure_core_legacy::auth::Secret;
use azure_core_legacy::{RetryOptions, TransportOptions};
use azure_data_tables::clients::{TableClient, TableServiceClientBuilder};
use azure_storage::{CloudLocation, StorageCredentials};
use larder_core::{Error, ErrorKind, Result};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Request, Url};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use crate::credentials::Credentials;
use crate::driver::Place;
use crate::endpoint::{base_url, check_names, check_privacy, checked_key, checked_signature};
use crate::error::Failure;
use crate::options::TablesOptions;
use crate::sign::Signer;
use crate::token::Tokens;
use crate::transport::{Answer, MINIMAL_METADATA, Transport, as_expected, http_client};

/// The version of the service's interface that the SDK asks for too.
const API_VERSION: &str = "2022-11-02";

/// A table, and the way to it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) table: TableClient,
    /// For all but the removal of the table.
    pub(crate) transport: Arc<Transport>,
    /// The account's URL, without a slash at its end.
    base: Url,
    /// The URL of the table, which rows' names are put behind.
    pub(crate) rows: String,
}

impl Client {
    /// Makes the table. By hand: the SDK reads its answer as one with all metadata.
    pub(crate) async fn create_table(&self) -> Result<(), Failure> {
        let mut request = self.request(Method::POST, "Tables")?;
        let body = serde_json::json!({ "TableName": self.table_name() }).to_string();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert("prefer", HeaderValue::from_static("return-no-content"));
        *request.body_mut() = Some(body.into());
        self.answer(request).await.map(drop)
    }

    /// Removes the table and all its rows.
    pub(crate) async fn delete_table(&self) -> Result<(), Failure> {
        quiet(self.table.delete().into_future()).await.map(drop).map_err(Failure::of)
    }

    /// A request that the SDK has no part in, to a path below the account.
    pub(crate) fn request(&self, method: Method, path: &str) -> Result<Request, Failure> {
        let base = self.base.as_str().trim_end_matches('/');
        self.request_to(method, &format!("{base}/{path}"))
    }

    /// The same to a whole URL.
    pub(crate) fn request_to(&self, method: Method, url: &str) -> Result<Request, Failure> {
        let url = Url::parse(url).map_err(|_| Failure::Unfit("the URL is none"))?;
        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(MINIMAL_METADATA));
        headers.insert("x-ms-version", HeaderValue::from_static(API_VERSION));
        headers.insert("dataserviceversion", HeaderValue::from_static("3.0;"));
        headers.insert("maxdataserviceversion", HeaderValue::from_static("3.0;NetFx"));
        Ok(request)
    }

    /// What a request came to that the SDK has no part in, if it worked.
    pub(crate) async fn answer(&self, request: Request) -> Result<Answer, Failure> {
        let method = request.method().clone();
        as_expected(&method, quiet(self.transport.send(request)).await?)
    }

    pub(crate) fn table_name(&self) -> &str {
        self.table.table_name()
    }
}

/// A request without the events of what sends it: the SDK's print requests, values included (E2).
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
    Ok(Client { table, transport, base, rows })
}
