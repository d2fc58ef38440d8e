//! What `azure_identity` asks with, and the transport that its requests go over.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
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

use crate::credentials::Credentials;
use crate::error::Failure;
use crate::token::TokenFailure;
use crate::transport::{http_client, is_loopback, is_near, reason, unsent};

const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";
/// The metadata service of a machine.
const METADATA: &str = "http://169.254.169.254";

/// What asks for the tokens of an identity. It keeps one, and asks for the next five minutes before that ends.
pub(crate) fn make(
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
pub(crate) struct TokenHttp {
    http: reqwest::Client,
    /// Where requests go that are meant for the place that `azure_identity` insists on.
    redirect: Option<(Url, Url)>,
}

impl TokenHttp {
    pub(crate) fn new(identity: &Credentials, connect_timeout: Duration) -> Result<Self> {
        let checked = |name: &str, url: &str, takes_plain: fn(&Url) -> bool| {
            let wrong = |why: &str| Error::new(ErrorKind::InvalidInput, format!("{name} {why}"));
            let url = Url::parse(url).map_err(|_| wrong("is no URL: it must be https://host"))?;
            let is_plain = url.username().is_empty() && url.password().is_none() && url.host_str().is_some();
            match url.scheme() {
                _ if !is_plain => Err(wrong("must be https://host, without user or password")),
                "https" => Ok(url),
                "http" if takes_plain(&url) => Ok(url),
                _ => Err(wrong("must be https://host: secrets go there, or come from there")),
            }
        };
        let (asked, redirect) = match identity {
            Credentials::ClientSecret { authority_url, .. }
            | Credentials::WorkloadIdentity { authority_url, .. } => {
                let url = checked(
                    "AZURE_AUTHORITY_HOST, or what is given as the authority,",
                    authority_url.as_deref().unwrap_or(PUBLIC_AUTHORITY),
                    is_loopback,
                )?;
                let mut insisted = url.clone();
                let is_other = url.scheme() == "http" && insisted.set_scheme("https").is_ok();
                (url.clone(), is_other.then_some((insisted, url)))
            }
            Credentials::ManagedIdentity { metadata_url: Some(url), .. } => {
                let url = checked(
                    "AZURE_POD_IDENTITY_AUTHORITY_HOST, or what is given as the metadata service,",
                    url,
                    is_near,
                )?;
                (url.clone(), Url::parse(METADATA).ok().map(|insisted| (insisted, url)))
            }
            // It is on this machine: no proxy.
            _ => (checked("the metadata service", METADATA, is_near)?, None),
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
        assert!(make("http://169.254.169.254").is_err());
        assert!(make("https://user:password@host").is_err());
        for wrong in
            ["login.microsoftonline.us", "http://login.microsoftonline.us", "https://user:hunter2@host"]
        {
            let error = make(wrong).expect_err(wrong).to_string();
            assert!(error.contains("AZURE_AUTHORITY_HOST") && error.contains("https://host"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        let local = make("http://127.0.0.1:9").expect("loopback");
        let asked = Url::parse("https://127.0.0.1:9/t/oauth2/v2.0/token").expect("a URL");
        assert_eq!(local.target(&asked).as_str(), "http://127.0.0.1:9/t/oauth2/v2.0/token");
    }
}
