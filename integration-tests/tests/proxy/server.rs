//! A small real server, which remembers what it did.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

/// How long anything may take before the test gives it up for hung.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A request that the server did, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) at: Instant,
}

/// Does what every request says, but answers one that begins with `hold` only when the test lets it, and one
/// that begins with `fail` with an error, having done nothing.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    applied: watch::Sender<Vec<Applied>>,
    gate: Arc<Semaphore>,
}

impl Server {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the server works");
        let url = format!("http://{}", listener.local_addr().expect("the server works"));
        let server =
            Arc::new(Self { url, applied: watch::Sender::default(), gate: Arc::new(Semaphore::new(0)) });
        let serving = Arc::clone(&server);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("the server works");
                stream.set_nodelay(true).expect("the server works");
                let server = Arc::clone(&serving);
                let service = service_fn(move |request| Arc::clone(&server).answer(request));
                tokio::spawn(async move {
                    let _ = Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        server
    }

    /// What it has done so far.
    pub(crate) fn applied(&self) -> Vec<Applied> {
        self.applied.borrow().clone()
    }

    /// The bodies of what it has done so far.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.applied().into_iter().map(|applied| applied.body).collect()
    }

    /// Waits until it has done so many requests.
    pub(crate) async fn has_applied(&self, number: usize) -> Vec<Applied> {
        let mut applied = self.applied.subscribe();
        let enough = applied.wait_for(|applied| applied.len() >= number);
        timeout(PATIENCE, enough)
            .await
            .expect("the server gets the requests")
            .expect("the server works")
            .clone()
    }

    /// Lets one held request be answered.
    pub(crate) fn let_go(&self) {
        self.gate.add_permits(1);
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else { return Ok(Response::default()) };
        let body = String::from_utf8(body.to_bytes().to_vec()).expect("the server works");
        let is_grpc = head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/grpc");
        let is_bad = body.starts_with("fail");
        if !is_bad {
            let (path, headers) = (head.uri.path().to_owned(), head.headers);
            let applied = Applied { path, headers, body: body.clone(), at: Instant::now() };
            self.applied.send_modify(|all| all.push(applied));
        }
        if body.starts_with("hold") {
            self.gate.acquire().await.expect("the server works").forget();
        }
        let reply = Full::new(Bytes::from(format!("did {body}")));
        let reply = match is_grpc {
            true => {
                let mut trailers = HeaderMap::new();
                trailers
                    .insert("grpc-status", if is_bad { "9" } else { "0" }.parse().expect("the server works"));
                reply.with_trailers(async { Some(Ok(trailers)) }).boxed()
            }
            false => reply.boxed(),
        };
        let status = if is_bad && !is_grpc { 400 } else { 200 };
        Ok(Response::builder()
            .status(status)
            .header("x-from", "the server")
            .body(reply)
            .expect("the server works"))
    }
}
