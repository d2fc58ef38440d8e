//! The Admin API over REST: one request each, with the driver's own tokens.

use std::net::IpAddr;
use std::time::Duration;

use gcloud_sdk::google_cloud_auth::credentials::CacheableResource;
use larder_core::driver::DriverError;
use larder_core::provision::ask;
use larder_core::{Error, ErrorKind, Result, RetryPolicy};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Request, Url};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tonic::Code;
use tonic::codegen::http::Extensions;

use super::internal;
use super::messages::{Database, Field, Operation, Refusal};
use crate::client::quiet;
use crate::credentials::{down, refused};
use crate::driver::FirestoreDriver;

/// The way to the Admin API.
pub(super) struct Admin {
    http: Client,
    base: Url,
    driver: FirestoreDriver,
}

/// An answer.
enum Answer<T> {
    Ok(T),
    /// Google's own refusal, by the name of its code.
    Refused(String),
}

impl Admin {
    pub(super) fn new(url: &str, driver: FirestoreDriver, connect_timeout: Duration) -> Result<Self> {
        let base = Url::parse(url).map_err(|_| internal("the endpoint is no URL"))?;
        let mut builder = Client::builder()
            .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect_timeout)
            // A token goes where it was meant to.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']);
        if host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()) {
            // A proxy is for what is far away.
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|_| internal("the HTTP client could not be made"))?;
        Ok(Self { http, base, driver })
    }

    /// Whether the server is an emulator: Google's own is never asked in the clear.
    pub(super) fn is_emulator(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// The database, if it is there.
    pub(super) async fn database(&self, patience: &RetryPolicy) -> Result<Option<Database>> {
        let url = self.url(&self.database_path());
        match self.ask(patience, Method::GET, &url, None).await? {
            Answer::Ok(database) => Ok(Some(database)),
            Answer::Refused(code) if code == "NOT_FOUND" => Ok(None),
            Answer::Refused(code) => Err(self.unexpected(&code)),
        }
    }

    /// Asks for the database to be made; `None` when it is there.
    pub(super) async fn create_database(
        &self,
        location: &str,
        patience: &RetryPolicy,
    ) -> Result<Option<Operation>> {
        let place = &self.driver.place;
        let mut url = self.url(&["projects", &place.project, "databases"]);
        url.query_pairs_mut().append_pair("databaseId", &place.database);
        let body = json!({ "locationId": location, "type": "FIRESTORE_NATIVE" });
        match self.ask(patience, Method::POST, &url, Some(&body)).await? {
            Answer::Ok(operation) => Ok(Some(operation)),
            Answer::Refused(code) if code == "ALREADY_EXISTS" => Ok(None),
            Answer::Refused(code) => Err(self.unexpected(&code)),
        }
    }

    /// The settings of a field.
    pub(super) async fn field(&self, field: &str, patience: &RetryPolicy) -> Result<Field> {
        self.expect(patience, Method::GET, &self.url(&self.field_path(field)), None).await
    }

    /// Asks for settings of a field, those in the mask.
    pub(super) async fn patch_field(
        &self,
        field: &str,
        mask: &str,
        mut settings: Value,
        patience: &RetryPolicy,
    ) -> Result<Operation> {
        let mut url = self.url(&self.field_path(field));
        url.query_pairs_mut().append_pair("updateMask", mask);
        settings["name"] = Value::from(self.field_path(field).join("/"));
        self.expect(patience, Method::PATCH, &url, Some(&settings)).await
    }

    /// How far an operation has come.
    pub(super) async fn operation(&self, name: &str, patience: &RetryPolicy) -> Result<Operation> {
        let ours = format!("{}/operations/", self.driver.place.database_name);
        if !name.starts_with(&ours) {
            // It becomes a path.
            return Err(internal("the Admin API gave an operation a name that is none of the database's"));
        }
        let segments: Vec<_> = name.split('/').collect();
        self.expect(patience, Method::GET, &self.url(&segments), None).await
    }

    /// The error of an operation that came to nothing.
    pub(super) fn failed_operation(&self, code: i32) -> Error {
        let code = Code::from_i32(code);
        let message =
            format!("what was asked of the {} came to nothing ({code:?}); try again", self.driver.place);
        let kind =
            if code == Code::PermissionDenied { ErrorKind::Unauthorized } else { ErrorKind::Unavailable };
        Error::new(kind, message)
    }

    fn database_path(&self) -> [&str; 4] {
        ["projects", &self.driver.place.project, "databases", &self.driver.place.database]
    }

    fn field_path<'a>(&'a self, field: &'a str) -> [&'a str; 8] {
        let [projects, project, databases, database] = self.database_path();
        let collection = &self.driver.place.collection;
        [projects, project, databases, database, "collectionGroups", collection, "fields", field]
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Only a URL that cannot have a path refuses one, and no http URL is.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1").extend(segments);
        }
        url
    }

    async fn expect<T: DeserializeOwned>(
        &self,
        patience: &RetryPolicy,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<T> {
        match self.ask(patience, method, url, body).await? {
            Answer::Ok(answer) => Ok(answer),
            Answer::Refused(code) => Err(self.unexpected(&code)),
        }
    }

    fn unexpected(&self, code: &str) -> Error {
        let kind = if code == "NOT_FOUND" { ErrorKind::NotProvisioned } else { ErrorKind::Internal };
        Error::new(kind, format!("the Admin API refused a request for the {} ({code})", self.driver.place))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        patience: &RetryPolicy,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<Answer<T>> {
        ask(patience, || async {
            let mut request = Request::new(method.clone(), url.clone());
            if let Some(body) = body {
                request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                *request.body_mut() = Some(body.to_string().into());
            }
            self.send(request).await
        })
        .await
    }

    async fn send<T: DeserializeOwned>(&self, mut request: Request) -> Result<Answer<T>, DriverError> {
        let place = &self.driver.place;
        let token = quiet(self.driver.channels.tokens().fresh(Extensions::new())).await;
        match token {
            Ok(CacheableResource::New { data, .. }) => request.headers_mut().extend(data),
            Ok(CacheableResource::NotModified) => {}
            Err(error) if error.is_transient() => {
                return Err(DriverError::refused(ErrorKind::Unavailable, down(place)));
            }
            Err(_) => return Err(DriverError::refused(ErrorKind::Unauthorized, refused(place))),
        }
        let broken = |error: reqwest::Error| {
            // Without the URL, and only the innermost cause.
            let mut reason: &dyn std::error::Error = &error;
            while let Some(next) = reason.source() {
                reason = next;
            }
            let message = format!("the Admin API of the {place} cannot be reached: {reason}");
            DriverError::unknown(ErrorKind::Unavailable, message)
        };
        let reply = quiet(self.http.execute(request)).await.map_err(broken)?;
        let status = reply.status().as_u16();
        let body = quiet(reply.bytes()).await.map_err(broken)?;
        if status == 200 {
            return serde_json::from_slice(&body).map(Answer::Ok).map_err(|_| {
                let message = format!("the answer of the Admin API of the {place} could not be read");
                DriverError::unknown(ErrorKind::Unavailable, message)
            });
        }
        let refusal: Option<Refusal> = serde_json::from_slice(&body).ok();
        let code = refusal.and_then(|refusal| refusal.error.status).filter(|code| is_code(code));
        self.judge(status, code)
    }

    fn judge<T>(&self, status: u16, code: Option<String>) -> Result<Answer<T>, DriverError> {
        let place = &self.driver.place;
        let shown = code.as_deref().unwrap_or("no code");
        Err(match status {
            401 => {
                self.driver.channels.tokens().forget();
                DriverError::refused(ErrorKind::Unauthorized, refused(place))
            }
            403 => DriverError::refused(
                ErrorKind::Unauthorized,
                format!(
                    "the Admin API refused the credentials for the {place} ({shown}); check that they have the role \
                     roles/datastore.indexAdmin, or roles/datastore.owner to make a database, and that the project has \
                     the Firestore API enabled"
                ),
            ),
            429 => {
                DriverError::refused(ErrorKind::Throttled, format!("the {place} asks to slow down ({shown})"))
            }
            500.. => DriverError::unknown(
                ErrorKind::Unavailable,
                format!("the Admin API of the {place} answered with HTTP {status} ({shown})"),
            ),
            _ => match code {
                // Another change of the same field is on its way.
                Some(code) if code == "ABORTED" => DriverError::refused(
                    ErrorKind::Unavailable,
                    format!("the {place} is being changed already ({code}); try again later"),
                ),
                Some(code) => return Ok(Answer::Refused(code)),
                None => DriverError::refused(
                    ErrorKind::Unsupported,
                    format!(
                        "this server has no Admin API (HTTP {status}), which Google's has: no TTL policy and no index \
                         exemptions are set"
                    ),
                ),
            },
        })
    }
}

/// Nothing else gets into messages.
fn is_code(code: &str) -> bool {
    !code.is_empty() && code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}
