//! Tokens of Entra ID, from `azure_identity` on a transport of ours.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::headers::Headers;
use azure_core::http::{
    AsyncRawResponse, Body, ClientOptions, HttpClient, Request, RetryOptions, StatusCode, Transport,
};
use azure_identity::{
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use larder_core::{Error, ErrorKind, Result};
use reqwest::Url;

use crate::client::quiet;
use crate::credentials::Credentials;
use crate::driver::Place;
use crate::error::Failure;
use crate::transport::{http_client, is_near, reason, unsent};

/// What a token is for: the data of storage accounts.
const SCOPE: &str = "https://storage.azure.com/.default";
const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";
/// The metadata service of a machine.
const METADATA: &str = "http://169.254.169.254";
/// How long to look for a token when a table is opened; a machine without an identity takes its time to say so.
const FIRST: Duration = Duration::from_secs(5);

/// Gives tokens, and asks for new ones in time. Whoever needs one while it is asked for waits for the same answer.
pub(crate) struct Tokens {
    identity: Credentials,
    http: Arc<TokenHttp>,
    present: Mutex<Present>,
}

/// Where tokens come from until one is refused that had been taken.
struct Present {
    credential: Arc<dyn TokenCredential>,
    generation: u64,
    was_accepted: bool,
}

/// A token, and which of the generations it is of.
pub(crate) struct Token {
    pub(crate) secret: Secret,
    pub(crate) generation: u64,
}

/// Why there is no token. It quotes no answer: those hold tokens, and parts of secrets.
#[derive(Clone, Debug)]
pub(crate) enum TokenFailure {
    /// Who gives tokens could not be asked, or failed.
    Down(String),
    /// It was asked, and refused.
    Refused(String),
    /// There is nothing to ask with.
    Missing(String),
}

impl TokenFailure {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Down(_) => ErrorKind::Unavailable,
            Self::Refused(_) | Self::Missing(_) => ErrorKind::Unauthorized,
        }
    }
}

impl fmt::Display for TokenFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down(reason) => write!(f, "the token service is down: {reason}"),
            Self::Refused(reason) => write!(
                f,
                "the token service refused the identity: {reason}; check the directory, the client id, and the secret or \
                 what stands for it"
            ),
            Self::Missing(reason) => write!(f, "the identity cannot be used: {reason}"),
        }
    }
}

impl StdError for TokenFailure {}

impl Tokens {
    /// Makes ready to ask for tokens, and asks for the first: a request's time would be up before a machine without an
    /// identity says so.
    pub(crate) async fn open(
        identity: Credentials,
        found_in_environment: bool,
        connect_timeout: Duration,
        place: &Place,
    ) -> Result<Self> {
        let http = Arc::new(TokenHttp::new(&identity, connect_timeout)?);
        let failed = |failure: TokenFailure| {
            if found_in_environment
                && matches!(identity, Credentials::ManagedIdentity { .. })
                && matches!(failure, TokenFailure::Down(_))
            {
                return Error::new(ErrorKind::Unauthorized, nothing_found(place));
            }
            Error::new(failure.kind(), format!("no token for {place}: {failure}"))
        };
        let credential = make(&identity, &http).map_err(&failed)?;
        let tokens = Self {
            identity: identity.clone(),
            http: Arc::clone(&http),
            present: Mutex::new(Present { credential, generation: 0, was_accepted: false }),
        };
        match tokio::time::timeout(FIRST, tokens.token()).await {
            Ok(Ok(_)) => Ok(tokens),
            Ok(Err(failure)) => Err(failed(failure)),
            Err(_) => Err(failed(TokenFailure::Down("it did not answer in time".to_owned()))),
        }
    }

    /// The present token, or the next one if that has under five minutes left.
    pub(crate) async fn token(&self) -> std::result::Result<Token, TokenFailure> {
        let (credential, generation) = {
            let present = self.present();
            (Arc::clone(&present.credential), present.generation)
        };
        match quiet(credential.get_token(&[SCOPE], None)).await {
            Ok(token) => Ok(Token { secret: token.token, generation }),
            Err(error) => Err(cause(&error)),
        }
    }

    /// Notes that the service has taken a token.
    pub(crate) fn accepted(&self, generation: u64) {
        let mut present = self.present();
        present.was_accepted |= present.generation == generation;
    }

    /// Throws away a token that the service has refused; returns whether a new one may help. One that was never taken
    /// would be refused again.
    pub(crate) fn renew(&self, generation: u64) -> bool {
        let mut present = self.present();
        if present.generation != generation {
            // Others were refused at the same time, and the first of them has seen to it.
            return true;
        }
        if !present.was_accepted {
            return false;
        }
        let fresh = make(&self.identity, &self.http);
        if let Ok(credential) = fresh {
            *present = Present { credential, generation: generation + 1, was_accepted: false };
            return true;
        }
        false
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn nothing_found(place: &Place) -> String {
    format!(
        "no credentials of Azure for {place}; looked in AZURE_CLIENT_SECRET and AZURE_FEDERATED_TOKEN_FILE with \
         AZURE_TENANT_ID and AZURE_CLIENT_ID, and asked for the machine's identity; set them, or give an account key or a \
         shared access signature"
    )
}

/// The failure within an error of `azure_identity`: its own words quote answers.
fn cause(error: &azure_core::Error) -> TokenFailure {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(failure) = error.downcast_ref::<TokenFailure>() {
            return failure.clone();
        }
        next = error.source();
    }
    TokenFailure::Down("its answer could not be read".to_owned())
}

fn make(
    identity: &Credentials,
    http: &Arc<TokenHttp>,
) -> std::result::Result<Arc<dyn TokenCredential>, TokenFailure> {
    let client_options = |authority_url: Option<&String>| {
        let mut cloud = CustomConfiguration::default();
        // It takes no plain HTTP, which loopback is asked with; the transport makes it that again.
        cloud.authority_host = match authority_url {
            Some(url) => url.replacen("http://", "https://", 1),
            None => PUBLIC_AUTHORITY.to_owned(),
        };
        ClientOptions {
            cloud: Some(Arc::new(CloudConfiguration::Custom(cloud))),
            retry: RetryOptions::none(),
            transport: Some(Transport::new(Arc::clone(http) as Arc<dyn HttpClient>)),
            ..ClientOptions::default()
        }
    };
    let unusable = |what: &'static str| move |_| TokenFailure::Missing(what.to_owned());
    Ok(match identity {
        Credentials::ClientSecret { tenant_id, client_id, secret, authority_url } => {
            ClientSecretCredential::new(
                tenant_id,
                client_id.clone(),
                secret.clone().into(),
                Some(ClientSecretCredentialOptions {
                    client_options: client_options(authority_url.as_ref()),
                }),
            )
            .map_err(unusable("the directory, the client id or the secret is malformed"))?
        }
        Credentials::WorkloadIdentity { tenant_id, client_id, token_file, authority_url } => {
            let options = WorkloadIdentityCredentialOptions {
                credential_options: ClientAssertionCredentialOptions {
                    client_options: client_options(authority_url.as_ref()),
                },
                client_id: Some(client_id.clone()),
                tenant_id: Some(tenant_id.clone()),
                token_file_path: Some(token_file.clone()),
            };
            WorkloadIdentityCredential::new(Some(options)).map_err(|_| {
                TokenFailure::Missing(format!(
                    "the directory or the client id is malformed, or the token file {} cannot be read",
                    token_file.display()
                ))
            })?
        }
        Credentials::ManagedIdentity { client_id, .. } => {
            ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                client_options: client_options(None),
            }))
            .map_err(unusable("this machine's kind of managed identity is not supported"))?
        }
        Credentials::Environment | Credentials::AccountKey(_) | Credentials::Sas(_) => {
            return Err(TokenFailure::Missing("it has no token".to_owned()));
        }
    })
}

/// Sends the requests for tokens, once each. A refusal is an error here, so that nothing above retries or quotes it.
#[derive(Debug)]
struct TokenHttp {
    http: reqwest::Client,
    /// Where requests go that are meant for the place that `azure_identity` insists on.
    redirect: Option<(Url, Url)>,
}

impl TokenHttp {
    fn new(identity: &Credentials, connect_timeout: Duration) -> Result<Self> {
        let checked = |name: &str, url: &str| {
            let wrong = |why: &str| Error::new(ErrorKind::InvalidInput, format!("{name} {why}"));
            let url = Url::parse(url).map_err(|_| wrong("is no URL"))?;
            let is_plain = url.username().is_empty() && url.password().is_none() && url.host_str().is_some();
            match url.scheme() {
                _ if !is_plain => Err(wrong("must be a URL with a host and without user or password")),
                "https" => Ok(url),
                "http" if is_near(&url) => Ok(url),
                _ => Err(wrong("must begin with https://: it is sent secrets")),
            }
        };
        let (asked, redirect) = match identity {
            Credentials::ClientSecret { authority_url, .. }
            | Credentials::WorkloadIdentity { authority_url, .. } => {
                let url = checked("the authority", authority_url.as_deref().unwrap_or(PUBLIC_AUTHORITY))?;
                let mut insisted = url.clone();
                let is_other = url.scheme() == "http" && insisted.set_scheme("https").is_ok();
                (url.clone(), is_other.then_some((insisted, url)))
            }
            Credentials::ManagedIdentity { metadata_url: Some(url), .. } => {
                let url = checked("the metadata service", url)?;
                (url.clone(), Url::parse(METADATA).ok().map(|insisted| (insisted, url)))
            }
            // It is on this machine: no proxy.
            _ => (checked("the metadata service", METADATA)?, None),
        };
        let http = http_client(connect_timeout, &asked)
            .map_err(|_| Error::new(ErrorKind::Internal, "the HTTP client could not be made"))?;
        Ok(Self { http, redirect })
    }

    fn target(&self, url: &Url) -> Url {
        let mut url = url.clone();
        if let Some((insisted, instead)) = &self.redirect
            && (url.host_str(), url.port_or_known_default())
                == (insisted.host_str(), insisted.port_or_known_default())
        {
            // Of `http` and `https` each can become the other, and the host is that of a URL.
            let _ = url.set_scheme(instead.scheme());
            let _ = url.set_host(instead.host_str());
            let _ = url.set_port(instead.port());
        }
        url
    }

    async fn ask(&self, request: &Request) -> std::result::Result<AsyncRawResponse, TokenFailure> {
        let unfit = |_| TokenFailure::Missing("its request could not be built".to_owned());
        let method =
            reqwest::Method::from_bytes(request.method().as_ref().as_bytes()).map_err(|_| unfit(()))?;
        let mut sent = reqwest::Request::new(method, self.target(request.url()));
        for (name, value) in request.headers().iter() {
            let name = reqwest::header::HeaderName::try_from(name.as_str()).map_err(|_| unfit(()))?;
            let value = reqwest::header::HeaderValue::try_from(value.as_str()).map_err(|_| unfit(()))?;
            sent.headers_mut().insert(name, value);
        }
        match request.body() {
            Body::Bytes(body) if body.is_empty() => {}
            Body::Bytes(body) => *sent.body_mut() = Some(body.clone().into()),
            Body::SeekableStream(_) => return Err(unfit(())),
        }
        let down = |failure: Failure| match failure {
            Failure::Unreachable(reason) => TokenFailure::Down(format!("it cannot be reached: {reason}")),
            Failure::Broken(reason) => TokenFailure::Down(format!("the connection to it broke: {reason}")),
            _ => TokenFailure::Down("it cannot be asked".to_owned()),
        };
        let response = self.http.execute(sent).await.map_err(|error| down(unsent(&error)))?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|error| down(Failure::Broken(reason(&error))))?;
        match status {
            200..300 => Ok(AsyncRawResponse::from_bytes(StatusCode::Ok, Headers::new(), body)),
            400 | 401 | 403 => Err(TokenFailure::Refused(refusal(status, &body))),
            _ => Err(TokenFailure::Down(format!("it answered with HTTP {status}"))),
        }
    }
}

#[async_trait]
impl HttpClient for TokenHttp {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        // Of a kind that is not sent again.
        self.ask(request).await.map_err(|failure| {
            let message = failure.to_string();
            azure_core::Error::with_error(azure_core::error::ErrorKind::Credential, failure, message)
        })
    }
}

/// The codes of a refusal: `invalid_client, AADSTS7000215`. Its description may name who asked.
fn refusal(status: u16, body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Refused {
        error: Option<String>,
        #[serde(default)]
        error_codes: Vec<u32>,
    }
    let mut shown = format!("HTTP {status}");
    if let Ok(refused) = serde_json::from_slice::<Refused>(body) {
        let is_code = |code: &String| {
            code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let error = refused.error.filter(is_code);
        let codes = refused.error_codes.iter().map(|code| format!("AADSTS{code}"));
        let words: Vec<String> = error.into_iter().chain(codes).collect();
        if !words.is_empty() {
            shown = format!("{shown} ({})", words.join(", "));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_its_codes_alone() {
        let body =
            br#"{"error":"invalid_client","error_description":"the secret hunter2","error_codes":[7000215]}"#;
        assert_eq!(refusal(401, body), "HTTP 401 (invalid_client, AADSTS7000215)");
        assert_eq!(refusal(400, b"<html>hunter2"), "HTTP 400");
        assert_eq!(refusal(400, br#"{"error":"see hunter2!"}"#), "HTTP 400");
    }

    #[test]
    fn secrets_are_sent_in_the_open_to_this_machine_only() {
        let identity = |url: &str| Credentials::ClientSecret {
            tenant_id: "t".into(),
            client_id: "c".into(),
            secret: "s".into(),
            authority_url: Some(url.into()),
        };
        let make = |url| TokenHttp::new(&identity(url), Duration::from_secs(1));
        assert!(make("https://login.microsoftonline.us").is_ok());
        assert!(make("http://login.microsoftonline.com").is_err());
        assert!(make("https://user:password@host").is_err());
        let local = make("http://127.0.0.1:9").expect("loopback");
        let asked = Url::parse("https://127.0.0.1:9/t/oauth2/v2.0/token").expect("a URL");
        assert_eq!(local.target(&asked).as_str(), "http://127.0.0.1:9/t/oauth2/v2.0/token");
    }
}
