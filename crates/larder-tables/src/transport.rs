//! The one way to the service: pooled connections, signed requests, one attempt each.
//!
//! It stands below the SDK as its `HttpClient`, and mends there what the SDK lacks: the SDK asks for all metadata, knows an
//! error's code only as a header, and fails when an account leaves the `Server` header out.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core_legacy as legacy;
use azure_core_legacy::date::parse_rfc1123;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use larder_core::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request, StatusCode, Url};

use crate::error::{Failure, Refusal};
use crate::sign::Signer;

/// Each row's ETag and types, and nothing that can be worked out from the URL.
pub(crate) const MINIMAL_METADATA: &str = "application/json;odata=minimalmetadata";
/// Shorter than the services and the load balancers before them keep idle connections.
const POOL_IDLE: Duration = Duration::from_secs(60);
/// The longest pause that a service may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// The most bytes of an answer. The largest that is asked for on purpose is 128 full values, which take 4.3 MB.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// What only this service answers with.
const SERVICE_HEADERS: [HeaderName; 2] =
    [HeaderName::from_static("x-ms-request-id"), HeaderName::from_static("x-ms-version")];
const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");

/// A client of HTTP that neither retries nor follows: a signed request goes where it was meant to, once.
pub(crate) fn http_client(connect_timeout: Duration, url: &Url) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    // A proxy is for what is far away.
    if is_near(url) {
        builder = builder.no_proxy();
    }
    builder.build()
}

/// Whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str() == Some("localhost") || address(url).is_some_and(|address| address.is_loopback())
}

/// Whether a URL leads to this machine or to its metadata service.
pub(crate) fn is_near(url: &Url) -> bool {
    is_loopback(url) || matches!(address(url), Some(IpAddr::V4(address)) if address.is_link_local())
}

fn address(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// Sends requests to one account.
#[derive(Debug)]
pub(crate) struct Transport {
    http: Client,
    signer: Signer,
}

/// An answer that says that it worked.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Transport {
    pub(crate) fn new(http: Client, signer: Signer) -> Arc<Self> {
        Arc::new(Self { http, signer })
    }

    /// Signs and sends one request, and reads the whole answer.
    pub(crate) async fn send(&self, mut request: Request) -> Result<Answer, Failure> {
        let signed = self.signer.sign(&mut request).await?;
        let response = self.http.execute(request).await.map_err(|error| unsent(&error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let is_unauthorized = status == StatusCode::UNAUTHORIZED;
        if !is_unauthorized {
            self.signer.was_accepted(signed);
        }
        let body = match whole(response).await {
            Ok(Some(body)) => body,
            // Its status tells what became of the request; only the words are missing.
            Ok(None) | Err(_) if status.as_u16() >= 300 && !needs_code(status, &headers) => Bytes::new(),
            Ok(None) => return Err(Failure::TooLong),
            Err(error) => return Err(Failure::Broken(reason(&error))),
        };
        if status.is_success() {
            return Ok(Answer { status: status.as_u16(), headers, body });
        }
        let token_can_be_renewed = is_unauthorized && self.signer.was_refused(signed);
        Err(Failure::Refused(Refusal {
            status: status.as_u16(),
            code: error_code(&headers, &body),
            retry_after: retry_after(&headers),
            date: date(&headers),
            token_can_be_renewed,
        }))
    }
}

#[async_trait]
impl legacy::HttpClient for Transport {
    async fn execute_request(&self, request: &legacy::Request) -> legacy::Result<legacy::Response> {
        let answer = match translated(request) {
            Ok(request) => {
                let method = request.method().clone();
                self.send(request).await.and_then(|answer| as_expected(&method, answer))
            }
            Err(failure) => Err(failure),
        };
        // The SDK passes the error of its transport on as it is.
        let answer = answer.map_err(|failure| legacy::Error::new(legacy::error::ErrorKind::Io, failure))?;
        let mut headers = legacy::headers::Headers::new();
        // What the SDK cannot do without, whatever it is.
        headers.insert("server", "unknown");
        headers.insert("preference-applied", "return-no-content");
        for (name, value) in &answer.headers {
            if let Ok(value) = value.to_str() {
                headers.insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        let status = legacy::StatusCode::try_from(answer.status).unwrap_or(legacy::StatusCode::Ok);
        let body = answer.body;
        Ok(legacy::Response::new(status, headers, Box::pin(stream::once(async { Ok(body) }))))
    }
}

/// The SDK's request as one of the transport's.
fn translated(request: &legacy::Request) -> Result<Request, Failure> {
    let method = Method::from_bytes(request.method().as_ref().as_bytes())
        .map_err(|_| Failure::Unfit("the method is none"))?;
    let url = Url::parse(request.url().as_str()).map_err(|_| Failure::Unfit("the URL is none"))?;
    let mut translated = Request::new(method, url);
    for (name, value) in request.headers().iter() {
        let unfit = || Failure::Unfit("a header has a forbidden character");
        let name = HeaderName::try_from(name.as_str()).map_err(|_| unfit())?;
        if name == CONTENT_LENGTH {
            continue;
        }
        let value = HeaderValue::try_from(value.as_str()).map_err(|_| unfit())?;
        translated.headers_mut().insert(name, value);
    }
    // With writes too, which the SDK asks no form for: their refusals would come as Atom.
    translated.headers_mut().insert(ACCEPT, HeaderValue::from_static(MINIMAL_METADATA));
    match request.body() {
        legacy::Body::Bytes(body) if body.is_empty() => {}
        legacy::Body::Bytes(body) => *translated.body_mut() = Some(body.clone().into()),
        legacy::Body::SeekableStream(_) => return Err(Failure::Unfit("the body is a stream")),
    }
    Ok(translated)
}

/// Refuses an answer of success that this service does not give: to a write it would be an acknowledgement (P4).
pub(crate) fn as_expected(method: &Method, answer: Answer) -> Result<Answer, Failure> {
    let is_expected = match method.as_str() {
        "GET" => answer.status == 200,
        "POST" => matches!(answer.status, 201 | 204),
        _ => answer.status == 204,
    };
    // The service, and every emulator of it, says with each answer what it is.
    let is_the_service = SERVICE_HEADERS.iter().all(|name| answer.headers.contains_key(name));
    if is_expected && is_the_service { Ok(answer) } else { Err(Failure::Unreadable) }
}

/// Whether only a code would tell what became of the request, and the headers have none. Without it a row that is missing,
/// taken or changed would be a table that is not there.
fn needs_code(status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED)
        && error_code(headers, b"").is_none()
}

/// The whole body, unless it is too long to be kept.
async fn whole(mut response: reqwest::Response) -> Result<Option<Bytes>, reqwest::Error> {
    let Some(first) = response.chunk().await? else { return Ok(Some(Bytes::new())) };
    // Most are of one piece, which is taken as it is. Pieces are as large as the client's buffers, far below the limit.
    let Some(second) = response.chunk().await? else { return Ok(Some(first)) };
    let mut body = BytesMut::from(first);
    body.extend_from_slice(&second);
    while let Some(more) = response.chunk().await? {
        if body.len() + more.len() > MOST_BYTES {
            return Ok(None);
        }
        body.extend_from_slice(&more);
    }
    Ok(Some(body.freeze()))
}

/// What became of a request that got no answer.
pub(crate) fn unsent(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        Failure::Unreachable(reason(error))
    } else if error.is_builder() {
        Failure::Unfit("it is no request")
    } else {
        Failure::Broken(reason(error))
    }
}

/// The innermost cause, which names no URL: that may hold a key or a signature.
pub(crate) fn reason(error: &reqwest::Error) -> String {
    let mut innermost: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(next) = innermost.and_then(std::error::Error::source) {
        innermost = Some(next);
    }
    match innermost {
        Some(cause) => cause.to_string(),
        None if error.is_timeout() => "it took too long".to_owned(),
        None => "no reason was given".to_owned(),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// How long the service asks to wait, up to an hour: more is nobody's wish, and not every number can be added to a time.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = text(headers, RETRY_AFTER)?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// The time that the service says it is.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let date = parse_rfc1123(text(headers, DATE)?).ok()?;
    u64::try_from(date.unix_timestamp()).ok().map(|seconds| Timestamp::from_millis(seconds * 1_000))
}

/// OData's code of an error: a header, or in the body as JSON, or as XML where the request was not let in.
fn error_code(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Body {
        #[serde(rename = "odata.error")]
        error: Inner,
    }
    #[derive(serde::Deserialize)]
    struct Inner {
        code: String,
    }
    let code = text(headers, ERROR_CODE)
        .map(str::to_owned)
        .or_else(|| serde_json::from_slice(body).ok().map(|body: Body| body.error.code))
        .or_else(|| {
            let body = std::str::from_utf8(body).ok()?;
            // `<code>`, `<m:code>` and `<Code>` are all met with.
            let after = body.split_once("code>").or_else(|| body.split_once("Code>"))?.1;
            Some(after[..after.find('<')?].to_owned())
        })?;
    // Nothing else gets into messages.
    (code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_error_is_found_wherever_it_stands() {
        let mut headers = HeaderMap::new();
        let json = br#"{"odata.error":{"code":"TableNotFound","message":{"lang":"en-US","value":"..."}}}"#;
        let xml = b"<?xml version=\"1.0\"?><m:error><m:code>AuthenticationFailed</m:code></m:error>";
        assert_eq!(error_code(&headers, json).as_deref(), Some("TableNotFound"));
        assert_eq!(error_code(&headers, xml).as_deref(), Some("AuthenticationFailed"));
        assert_eq!(error_code(&headers, b"<html>"), None);
        assert_eq!(error_code(&headers, br#"{"odata.error":{"code":"the key hunter2"}}"#), None);
        headers.insert(ERROR_CODE, HeaderValue::from_static("ServerBusy"));
        assert_eq!(error_code(&headers, json).as_deref(), Some("ServerBusy"));
    }

    #[test]
    fn no_wish_to_wait_is_longer_than_an_hour() {
        for (wish, wait) in [
            ("1", Some(Duration::from_secs(1))),
            (" 3600", Some(LONGEST_WAIT)),
            ("3601", Some(LONGEST_WAIT)),
            ("18446744073709551615", Some(LONGEST_WAIT)),
            ("18446744073709551616", None),
            ("-1", None),
            ("Thu, 01 Jan 2026 00:00:00 GMT", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(wish))]);
            assert_eq!(retry_after(&headers), wait, "{wish}");
        }
    }

    #[test]
    fn this_machine_and_its_metadata_service_are_near() {
        for (url, near) in [
            ("http://127.0.0.1:10002/", true),
            ("http://localhost:1", true),
            ("http://[::1]:1", true),
            ("http://169.254.169.254/metadata", true),
            ("https://acme.table.core.windows.net", false),
        ] {
            assert_eq!(is_near(&Url::parse(url).expect("a URL")), near, "{url}");
        }
    }
}
