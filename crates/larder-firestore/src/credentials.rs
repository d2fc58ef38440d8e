//! Tokens for requests: where they come from, and what to do when they do not come.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gcloud_sdk::google_cloud_auth::credentials::{
    self as google, CacheableResource, CredentialsProvider, EntityTag, external_account, impersonated,
    service_account, user_account,
};
use gcloud_sdk::google_cloud_auth::errors::CredentialsError;
use gcloud_sdk::{GoogleAuthHeaders, HeaderMap};
use larder_core::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tonic::codegen::http::header::AUTHORIZATION;
use tonic::codegen::http::{Extensions, HeaderValue};

use crate::client::quiet;
use crate::names::Place;
use crate::options::Credentials;

/// What a token must allow.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How long to look for credentials; a machine without any takes its time to say so.
const FIRST: Duration = Duration::from_secs(5);
/// How long a request waits for a token from then on that one did not come in time, until one comes: less than the time that
/// the last attempt before a deadline may be begun with, whose end would leave a write in doubt.
const WHILE_DOWN: Duration = Duration::from_millis(150);
/// How long a refusal stands before the credentials are read, and asked for, anew.
const REFUSAL: Duration = Duration::from_secs(10);

/// The credentials of a driver, shared by its connections.
///
/// Google's library gives up for good once a token was refused. These begin anew, so that a service recovers when its
/// key has been replaced or its role has been granted.
pub(crate) struct Tokens {
    source: Credentials,
    /// How long a request waits for a token. Its own time would run out otherwise, and nobody would know that nothing
    /// was sent.
    limit: Duration,
    /// Whether the last request that asked got none.
    is_down: AtomicBool,
    current: Mutex<Option<Current>>,
    /// Of the token that emulators expect.
    tag: EntityTag,
}

#[derive(Clone)]
struct Current {
    credentials: google::Credentials,
    since: Instant,
}

impl Tokens {
    fn new(source: Credentials, limit: Duration, current: Option<Current>) -> Self {
        let (is_down, current) = (AtomicBool::new(false), Mutex::new(current));
        Self { source, limit, is_down, current, tag: EntityTag::new() }
    }

    /// Looks for credentials, and for a first token, so that a service without any hears of it when it starts.
    ///
    /// # Errors
    ///
    /// `Unauthorized` when there are none, or they are refused; `Unavailable` when who gives tokens is down.
    pub(crate) async fn find(source: Credentials, limit: Duration, place: &Place) -> Result<Arc<Self>> {
        let tokens = Self::new(source, limit, None);
        if matches!(tokens.source, Credentials::Emulator) {
            return Ok(Arc::new(tokens));
        }
        let unauthorized = |reason: String| {
            let message = format!("no credentials of Google Cloud for the {place}: {reason}");
            Error::new(ErrorKind::Unauthorized, message)
        };
        let current = tokens.current().map_err(unauthorized)?;
        let error = match timeout(FIRST, quiet(current.credentials.headers(Extensions::new()))).await {
            Ok(Ok(_)) => return Ok(Arc::new(tokens)),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        // The library's own error is not kept: it quotes what the server said (E2).
        Err(match error {
            Some(error) if is_refusal(&error) => Error::new(ErrorKind::Unauthorized, refused(place)),
            Some(error) if was_answered(&error) => Error::new(ErrorKind::Unavailable, down(place)),
            _ if is_bare_machine(&tokens.source) => unauthorized(LOOKED_IN.to_owned()),
            _ => Error::new(ErrorKind::Unavailable, down(place)),
        })
    }

    /// What adds the tokens to the requests of a connection.
    pub(crate) fn headers(self: &Arc<Self>) -> GoogleAuthHeaders {
        GoogleAuthHeaders::from(google::Credentials::from(Provider(Arc::clone(self))))
    }

    fn current(&self) -> Result<Current, String> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = &*current {
            return Ok(current.clone());
        }
        let built = Current { credentials: build(&self.source)?, since: Instant::now() };
        Ok(current.insert(built).clone())
    }

    /// Forgets credentials that were refused, here or by Firestore, or that bring no token. Not every time: whoever gives
    /// tokens would have as many requests as Firestore itself.
    pub(crate) fn forget(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|current| current.since.elapsed() >= REFUSAL);
    }

    async fn fresh(&self, known: Extensions) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        if matches!(self.source, Credentials::Emulator) {
            return Ok(self.emulators(&known));
        }
        let current = self.current().map_err(|reason| CredentialsError::from_msg(false, reason))?;
        let limit =
            if self.is_down.load(Ordering::Relaxed) { self.limit.min(WHILE_DOWN) } else { self.limit };
        let answer = timeout(limit, current.credentials.headers(known)).await;
        self.is_down.store(!matches!(answer, Ok(Ok(_))), Ordering::Relaxed);
        match answer {
            Ok(Err(error)) if !error.is_transient() => {
                self.forget();
                if is_refusal(&error) { Err(error) } else { Err(CredentialsError::from_msg(true, CUT_OFF)) }
            }
            Ok(answer) => answer,
            Err(_) => {
                // The library waits for the answer for ever, and asks nobody else meanwhile.
                self.forget();
                Err(CredentialsError::from_msg(true, "no token came in time"))
            }
        }
    }

    fn emulators(&self, known: &Extensions) -> CacheableResource<HeaderMap> {
        if known.get::<EntityTag>() == Some(&self.tag) {
            return CacheableResource::NotModified;
        }
        // The word that Google's own tools send to it.
        let data = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static("Bearer owner"))]);
        CacheableResource::New { entity_tag: self.tag.clone(), data }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(..)")
    }
}

#[derive(Debug)]
struct Provider(Arc<Tokens>);

impl CredentialsProvider for Provider {
    async fn headers(
        &self,
        known: Extensions,
    ) -> std::result::Result<CacheableResource<HeaderMap>, CredentialsError> {
        self.0.fresh(known).await
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}

pub(crate) fn refused(place: &Place) -> String {
    format!("a token for the {place} was refused; check the credentials, and this machine's clock")
}

pub(crate) fn down(place: &Place) -> String {
    format!("a token for the {place} could not be had: who gives them is down")
}

const CUT_OFF: &str = "the answer with the token was cut off";

const LOOKED_IN: &str = "looked in the file that GOOGLE_APPLICATION_CREDENTIALS names, in what \
     `gcloud auth application-default login` writes, and at the metadata server, which does not answer";

/// The credentials of a source. What is wrong with it is told without its content (E2).
fn build(source: &Credentials) -> Result<google::Credentials, String> {
    let built = match source {
        Credentials::Environment | Credentials::ApplicationDefault | Credentials::Emulator => {
            google::Builder::default().with_scopes([SCOPE]).build()
        }
        Credentials::File(path) => return from_file(path),
    };
    built.map_err(|error| {
        let what = if error.is_loading() { "cannot be read" } else { "is no credentials file" };
        format!("the file that GOOGLE_APPLICATION_CREDENTIALS names, or gcloud's own, {what}")
    })
}

fn from_file(path: &Path) -> Result<google::Credentials, String> {
    let shown = path.display();
    let content = std::fs::read(path).map_err(|error| format!("{shown} cannot be read: {}", error.kind()))?;
    let json: Value = serde_json::from_slice(&content).map_err(|_| format!("{shown} is no JSON"))?;
    let kind = json.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let built = match kind.as_str() {
        "service_account" => service_account::Builder::new(json)
            .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
            .build(),
        "external_account" => external_account::Builder::new(json).with_scopes([SCOPE]).build(),
        "authorized_user" => user_account::Builder::new(json).with_scopes([SCOPE]).build(),
        "impersonated_service_account" => impersonated::Builder::new(json).with_scopes([SCOPE]).build(),
        _ => return Err(format!("{shown} has no type of credentials that is known")),
    };
    built.map_err(|_| {
        format!("{shown} is no credentials file of type {kind}: a field is missing, or is wrong")
    })
}

/// Whether no file leads to credentials, so that only a metadata server is left.
fn is_bare_machine(source: &Credentials) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let gclouds = || {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        home.is_some_and(|home| home.join(".config/gcloud/application_default_credentials.json").exists())
    };
    matches!(source, Credentials::ApplicationDefault)
        && !is_set("GOOGLE_APPLICATION_CREDENTIALS")
        && !gclouds()
}

/// Whether the credentials were refused. The library also says so, for good, of an answer that did not arrive whole.
fn is_refusal(error: &CredentialsError) -> bool {
    let (mut is_of_body, mut is_of_json) = (false, false);
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        is_of_body |= error.to_string().contains("error decoding response body");
        is_of_json |= error.is::<serde_json::Error>();
        next = error.source();
    }
    !error.is_transient() && (is_of_json || !is_of_body)
}

/// Whether somebody answered the request for a token. The library's errors tell it only in their words.
fn was_answered(error: &CredentialsError) -> bool {
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        if error.to_string().contains("error sending request") {
            return false;
        }
        next = error.source();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn refused_credentials_are_read_anew_after_a_while() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("key.json");
        let key = serde_json::json!({
            "type": "service_account",
            "project_id": "larder-tests",
            "private_key_id": "key-1",
            "private_key": "no key",
            "client_email": "larder@larder-tests.iam.gserviceaccount.com",
        });
        std::fs::write(&path, key.to_string()).expect("a file");
        let source = Credentials::File(path.clone());
        let limit = Duration::from_secs(1);
        let tokens = Tokens::new(source, limit, None);
        let refusal = async || {
            let error = tokens.fresh(Extensions::new()).await.expect_err("no key");
            assert!(!error.is_transient(), "{error}");
            error.to_string()
        };
        refusal().await;
        std::fs::remove_file(&path).expect("it is removed");
        tokio::time::advance(REFUSAL / 2).await;
        for _ in 0..3 {
            assert!(!refusal().await.contains("cannot be read"), "not at every request");
        }
        tokio::time::advance(REFUSAL).await;
        refusal().await;
        assert!(refusal().await.contains("cannot be read"), "the file is looked at again");
    }

    #[tokio::test(start_paused = true)]
    async fn good_credentials_are_kept_until_firestore_has_doubts() {
        let source = Credentials::File("absent.json".into());
        let limit = Duration::from_secs(1);
        let known = Current { credentials: google::anonymous::Builder::new().build(), since: Instant::now() };
        let tokens = Tokens::new(source, limit, Some(known));
        let is_known = async || tokens.fresh(Extensions::new()).await.is_ok();
        tokens.forget();
        assert!(is_known().await, "a role that was granted a moment ago takes its time");
        tokio::time::advance(REFUSAL).await;
        assert!(is_known().await, "nobody has complained");
        tokens.forget();
        assert!(!is_known().await, "the file is looked at again");
    }
}
