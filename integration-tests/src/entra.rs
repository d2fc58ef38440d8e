//! A token service of Entra ID, a metadata service, and a table that lets in who has its tokens: all on one port of loopback.
//!
//! The emulator takes tokens over HTTPS only and checks nothing of them, so that it cannot stand for the service here.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The account whose table it has.
pub const ACCOUNT: &str = "acme";
/// What it gives out.
const TOKEN: &str = "token-of-the-test";
/// The layout record, and a record with the value `written`.
const LAYOUT: &str =
    "eyJ2ZXJzaW9uIjoxLCJtaW5SZWFkZXIiOjEsIm1pbldyaXRlciI6MSwic2hhcmRzIjoxNiwiaGFzaCI6Inh4aDY0In0=";
const WRITTEN: &str = "d3JpdHRlbg==";

/// A running server. It ends with the test's runtime.
#[derive(Clone, Debug)]
pub struct Entra {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    lifetime: Arc<AtomicU32>,
}

impl Entra {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Self { url, asked: Arc::default(), lifetime: Arc::new(AtomicU32::new(3_600)) };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                let service = service_fn(move |request| {
                    let server = server.clone();
                    async move { Ok::<_, Infallible>(server.answer(request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        server
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// For how many seconds an application's tokens are good that it gives out from here on; an hour unless told.
    pub fn lifetime(&self, seconds: u32) {
        self.lifetime.store(seconds, Ordering::SeqCst);
    }

    /// The requests for tokens so far: the path, the headers that matter, and the body.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        if path.starts_with(&format!("/{ACCOUNT}/")) {
            return table(&head.method, &path, &head.headers);
        }
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("-");
        let asked = format!(
            "{} metadata={} x-identity-header={} {}",
            head.uri,
            header("metadata"),
            header("x-identity-header"),
            String::from_utf8_lossy(&body)
        );
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        // The metadata services write numbers as texts, and when the token ends.
        let token = if path.ends_with("/oauth2/v2.0/token") {
            let lifetime = self.lifetime.load(Ordering::SeqCst);
            format!(
                r#"{{"token_type":"Bearer","expires_in":{lifetime},"ext_expires_in":{lifetime},"access_token":"{TOKEN}"}}"#
            )
        } else {
            format!(
                r#"{{"token_type":"Bearer","expires_on":"4102444800","resource":"r","access_token":"{TOKEN}"}}"#
            )
        };
        respond(200, token)
    }
}

/// A table that has every row, and takes every write.
fn table(method: &Method, path: &str, headers: &HeaderMap) -> Response<Full<Bytes>> {
    if headers.get(AUTHORIZATION).is_none_or(|value| value != format!("Bearer {TOKEN}").as_str()) {
        return respond(401, String::new());
    }
    if method != Method::GET {
        return respond(204, String::new());
    }
    let value = if path.contains("PartitionKey='sys'") { LAYOUT } else { WRITTEN };
    respond(
        200,
        format!(
            r#"{{"odata.metadata":"m","v":"{value}","v@odata.type":"Edm.Binary",
            "exp":"9223372036854775807","exp@odata.type":"Edm.Int64",
            "w":"AAECAwQFBgcICQoLDA0ODwAAAZt22qh7","w@odata.type":"Edm.Binary"}}"#
        ),
    )
}

fn respond(status: u16, body: String) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("x-ms-request-id", "00000000-0000-0000-0000-000000000001")
        .header("x-ms-version", "2022-11-02")
        .header("date", "Thu, 01 Jan 2026 00:00:00 GMT")
        .header("etag", "W/\"1\"")
        .body(Full::from(body))
        .expect("it is a response")
}
