//! Collections on the emulator, and servers that answer as a test says.
#![allow(dead_code, reason = "every test uses some of it")]

pub(crate) mod admin;
pub(crate) mod description;

use std::convert::Infallible;
use std::error::Error;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use h2::Reason;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use larder_conformance::emulator;
use larder_core::driver::{Consistency, Guard, Mutation, Projection, Read, RowKey, Shard, Write};
use larder_core::record::WriteStamp;
use larder_core::{CanonicalKey, Expiry, Kv, RetryPolicy, Timestamp};
use larder_firestore::{FirestoreDriver, FirestoreOptions};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

pub(crate) const PROJECT: &str = "larder-tests";

/// A new collection on the emulator, in a database of its own.
pub(crate) fn collection() -> FirestoreOptions {
    static COLLECTIONS: AtomicU32 = AtomicU32::new(0);
    let number = COLLECTIONS.fetch_add(1, Ordering::Relaxed);
    let name = format!("errors-{}-{number}", std::process::id());
    FirestoreOptions::new(PROJECT, name.clone()).database(name).endpoint_url(emulator("hidane"))
}

/// A collection at a server.
pub(crate) fn at(url: impl Into<String>) -> FirestoreOptions {
    FirestoreOptions::new(PROJECT, "cache").endpoint_url(url)
}

pub(crate) async fn open(options: &FirestoreOptions) -> FirestoreDriver {
    FirestoreDriver::open(options.clone()).await.expect("the options are right")
}

/// A handle that gives up after two seconds.
pub(crate) async fn impatient(options: &FirestoreOptions) -> Kv {
    let mut policy = RetryPolicy::default();
    policy.deadline = Duration::from_secs(2);
    policy.attempt_timeout = Duration::from_secs(1);
    Kv::builder(open(options).await).binding("cache").retry(policy).build()
}

pub(crate) const FULL: Read = Read { projection: Projection::Full, consistency: Consistency::Strong };

pub(crate) fn row(key: &str) -> RowKey {
    RowKey { shard: Shard(0), key: CanonicalKey::from_canonical(key).expect("canonical") }
}

pub(crate) fn put(guard: Guard) -> Write {
    let value = Bytes::from_static(b"hunter2");
    Write {
        mutation: Mutation::Put { value, expires_at: Expiry::NEVER, register: None },
        guard,
        stamp: WriteStamp::new(Timestamp::from_millis(1_767_225_600_000)),
    }
}

/// What a server answers.
pub(crate) type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

type Answer = Arc<dyn Fn(Asked) -> BoxFuture<'static, Reply> + Send + Sync>;

/// A request that a server was sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) body: Bytes,
    /// How many frames the body came in.
    pub(crate) frames: usize,
}

/// A server of HTTP/1.1 and HTTP/2 that runs as long as the test.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start<F>(answer: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Reply> + Send + 'static,
    {
        let answer: Answer = Arc::new(move |asked| Box::pin(answer(asked)));
        let (asked, connections) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let (record, count) = (Arc::clone(&asked), Arc::clone(&connections));
        let url = serve(move |stream| {
            count.fetch_add(1, Ordering::SeqCst);
            let (answer, record) = (Arc::clone(&answer), Arc::clone(&record));
            async move {
                let service =
                    service_fn(move |request| reply(request, Arc::clone(&answer), Arc::clone(&record)));
                let mut builder = auto::Builder::new(TokioExecutor::new());
                builder.http2().max_concurrent_streams(10_000);
                // How a connection ends is the client's affair.
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            }
        })
        .await;
        Self { url, asked, connections }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test has panicked with it").clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn reply(
    request: Request<Incoming>,
    answer: Answer,
    record: Arc<Mutex<Vec<Asked>>>,
) -> Result<Reply, Box<dyn Error + Send + Sync>> {
    let (head, mut body) = request.into_parts();
    let (mut whole, mut frames) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        whole.extend_from_slice(&frame?.into_data().unwrap_or_default());
        frames += 1;
    }
    let authorization = head.headers.get("authorization");
    let authorization = authorization.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (method, path) = (head.method.to_string(), head.uri.to_string());
    let asked = Asked { method, path, authorization, body: whole.into(), frames };
    record.lock().expect("no test has panicked with it").push(asked.clone());
    let answer = answer(asked).await;
    if let Some(Reset(reason)) = answer.extensions().get() {
        // The server's side of HTTP/2 makes a RST_STREAM of it.
        return Err(h2::Error::from(*reason).into());
    }
    Ok(answer)
}

fn whole(body: Bytes) -> UnsyncBoxBody<Bytes, Infallible> {
    Full::new(body).boxed_unsync()
}

/// An answer of one message of gRPC, with a status behind it.
pub(crate) fn followed_by(code: i32, message: impl Into<Bytes>) -> Reply {
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from(code))]);
    let body = Full::new(message.into()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let head = Response::builder().header("content-type", "application/grpc");
    head.body(body.boxed_unsync()).expect("an answer")
}

/// In place of an answer: the request is reset.
#[derive(Clone)]
struct Reset(Reason);

/// No answer: the request is reset, and its connection stays.
pub(crate) fn reset(reason: Reason) -> Reply {
    Response::builder().extension(Reset(reason)).body(whole(Bytes::new())).expect("an answer")
}

/// An answer that is a status of gRPC and nothing else.
pub(crate) fn status(code: i32) -> Reply {
    let head = Response::builder().header("content-type", "application/grpc").header("grpc-status", code);
    head.header("grpc-message", "hunter2").body(whole(Bytes::new())).expect("an answer")
}

pub(crate) fn http(status: u16, body: impl Into<Bytes>) -> Reply {
    let head = Response::builder().status(status).header("content-type", "application/json");
    head.body(whole(body.into())).expect("an answer")
}

/// A server that gives every request the same answer.
pub(crate) async fn answering(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |_| std::future::ready(answer())).await
}

/// A server that ends every connection after its first answer, as servers do that are replaced.
pub(crate) async fn leaving() -> String {
    serve(|stream: TcpStream| async move {
        let answered = Arc::new(Notify::new());
        let told = Arc::clone(&answered);
        let service = service_fn(move |_: Request<Incoming>| {
            told.notify_one();
            std::future::ready(Ok::<_, hyper::Error>(status(5)))
        });
        let builder = auto::Builder::new(TokioExecutor::new());
        let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            _ = connection.as_mut() => return,
            () = answered.notified() => connection.as_mut().graceful_shutdown(),
        }
        // How a connection ends is the client's affair.
        let _ = connection.await;
    })
    .await
}

/// A server that takes requests and never answers.
pub(crate) async fn silent() -> String {
    serve(|mut stream: TcpStream| async move {
        let mut buffer = [0; 4_096];
        while matches!(stream.read(&mut buffer).await, Ok(1..)) {}
    })
    .await
}

/// A server that takes a request and hangs up.
pub(crate) async fn hanging_up() -> String {
    serve(|mut stream: TcpStream| async move {
        let mut buffer = [0; 4_096];
        drop(stream.read(&mut buffer).await);
    })
    .await
}

/// An address where nobody listens.
pub(crate) async fn closed() -> String {
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("http://{}", closed.local_addr().expect("an address"))
}

async fn serve<F: Future<Output = ()> + Send + 'static>(
    answer: impl Fn(TcpStream) -> F + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    url
}
