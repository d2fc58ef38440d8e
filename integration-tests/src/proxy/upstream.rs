//! The server's side: connections that are kept, one pool for each version of HTTP.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, EXPECT, HeaderMap, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use hyper::http::uri::Authority;
use hyper::http::{request, response};
use hyper::{Request, Uri, Version};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::body::Whole;

/// Shorter than emulators keep an idle connection: one that they close while a request is on its way loses a
/// reply that no rule asked to be lost.
const IDLE: Duration = Duration::from_secs(3);

/// A message that is all there: a request or a reply.
#[derive(Clone, Debug)]
pub(super) struct Message<Head> {
    pub(super) head: Head,
    pub(super) data: Bytes,
    pub(super) trailers: Option<HeaderMap>,
}

impl<Head> Message<Head> {
    /// Reads all of the body.
    pub(super) async fn read(head: Head, body: Incoming) -> hyper::Result<Self> {
        let body = body.collect().await?;
        let trailers = body.trailers().cloned();
        Ok(Self { head, data: body.to_bytes(), trailers })
    }

    pub(super) fn body(&self) -> Whole {
        Whole::new(self.data.clone(), self.trailers.clone())
    }
}

/// Why there is no reply.
#[derive(Debug)]
pub(super) struct NoReply {
    pub(super) reason: String,
    /// Whether the server may have seen the request.
    pub(super) reached: bool,
}

/// The server.
#[derive(Debug)]
pub(super) struct Upstream {
    authority: Authority,
    http1: Client<HttpConnector, Whole>,
    http2: Client<HttpConnector, Whole>,
}

impl Upstream {
    /// A server at `http://host:port`.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
        let plain = uri.scheme_str() == Some("http");
        let authority = uri.authority().filter(|_| plain).cloned();
        let authority = authority.ok_or_else(|| format!("{url}: give http://host:port"))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
        let http1 = client.build(connector.clone());
        let http2 = client.http2_only(true).build(connector);
        Ok(Self { authority, http1, http2 })
    }

    /// Passes a request on, and waits for the whole reply.
    pub(super) async fn send(
        &self,
        message: &Message<request::Parts>,
    ) -> Result<Message<response::Parts>, NoReply> {
        let request = self.request(message).map_err(|reason| NoReply { reason, reached: false })?;
        let is_http2 = message.head.version == Version::HTTP_2;
        let client = if is_http2 { &self.http2 } else { &self.http1 };
        let reply = client.request(request).await.map_err(|error| {
            let reason = chain(&error);
            NoReply { reason, reached: !error.is_connect() }
        })?;
        let (mut head, body) = reply.into_parts();
        strip(&mut head.headers, is_http2);
        Message::read(head, body).await.map_err(|error| NoReply { reason: chain(&error), reached: true })
    }

    fn request(&self, message: &Message<request::Parts>) -> Result<Request<Whole>, String> {
        let path = message.head.uri.path_and_query().map_or("/", |path| path.as_str());
        let uri = Uri::builder().scheme("http").authority(self.authority.clone()).path_and_query(path);
        let mut request = Request::new(message.body());
        *request.method_mut() = message.head.method.clone();
        *request.uri_mut() = uri.build().map_err(|error| format!("its path cannot be passed on: {error}"))?;
        *request.headers_mut() = message.head.headers.clone();
        let is_http2 = message.head.version == Version::HTTP_2;
        *request.version_mut() = if is_http2 { Version::HTTP_2 } else { Version::HTTP_11 };
        strip(request.headers_mut(), is_http2);
        Ok(request)
    }
}

/// Takes out what is about one connection, and not about the message.
fn strip(headers: &mut HeaderMap, is_http2: bool) {
    let keep_alive = HeaderName::from_static("keep-alive");
    for name in [CONNECTION, keep_alive, TRANSFER_ENCODING, UPGRADE, EXPECT] {
        headers.remove(name);
    }
    if !is_http2 {
        // In HTTP/2 it says that trailers are understood, and gRPC insists on it.
        headers.remove(TE);
    }
}

/// An error with all its causes, since the outermost of hyper's says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
