//! Tables on the emulator, and servers that answer as a test says.
#![allow(dead_code, reason = "every test uses some of it")]

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use larder_conformance::emulator;
use larder_core::driver::{Consistency, Projection, Read, RowKey, Shard};
use larder_core::{CanonicalKey, Kv, RetryPolicy};
use larder_dynamodb::testing::create_table;
use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

pub(crate) const REGION: &str = "eu-central-1";

pub(crate) fn keys() -> Credentials {
    Credentials::Keys { id: "test".into(), secret: "test".into(), session_token: None }
}

/// A name that no other test uses.
pub(crate) fn fresh_name() -> String {
    static TABLES: AtomicU32 = AtomicU32::new(0);
    format!("errors-{}-{}", std::process::id(), TABLES.fetch_add(1, Ordering::Relaxed))
}

/// A new table on dynoxide.
pub(crate) async fn table() -> DynamoDbOptions {
    let options =
        DynamoDbOptions::new(fresh_name(), REGION).endpoint_url(emulator("dynoxide")).credentials(keys());
    create_table(&open(&options).await).await.expect("the table is made");
    options
}

pub(crate) async fn open(options: &DynamoDbOptions) -> DynamoDbDriver {
    DynamoDbDriver::open(options.clone()).await.expect("the options are right")
}

/// A handle that gives up after two seconds.
pub(crate) async fn impatient(options: &DynamoDbOptions) -> Kv {
    let mut policy = RetryPolicy::default();
    policy.deadline = Duration::from_secs(2);
    policy.attempt_timeout = Duration::from_secs(1);
    Kv::builder(open(options).await).binding("cache").retry(policy).build()
}

pub(crate) const FULL: Read = Read { projection: Projection::Full, consistency: Consistency::Strong };

pub(crate) fn row(key: &str) -> RowKey {
    RowKey { shard: Shard(0), key: CanonicalKey::from_canonical(key).expect("canonical") }
}

/// A server that gives every request the same answer.
pub(crate) async fn answering(status: &'static str, headers: &'static str, body: &'static str) -> String {
    serve(move |mut stream: TcpStream| async move {
        while read_request(&mut stream).await.is_some() {
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
            if stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.is_err() {
                return;
            }
        }
    })
    .await
}

/// A server that gives every request the same answer, and tells what it was asked.
pub(crate) async fn recording(body: &'static str) -> (String, UnboundedReceiver<String>) {
    scripted(vec![body.to_owned()]).await
}

/// A server that gives these answers in their order, the last one again and again, and tells what it was asked.
pub(crate) async fn scripted(answers: Vec<String>) -> (String, UnboundedReceiver<String>) {
    struct Script {
        answers: Vec<String>,
        next: AtomicUsize,
        requests: UnboundedSender<String>,
    }
    let (requests, received) = unbounded_channel();
    // Servers here are made of plain functions; this one lives as long as its test.
    let script: &'static Script =
        Box::leak(Box::new(Script { answers, next: AtomicUsize::new(0), requests }));
    let url = serve(move |mut stream: TcpStream| async move {
        while let Some(request) = read_request(&mut stream).await {
            if script.requests.send(String::from_utf8_lossy(&request).into_owned()).is_err() {
                return;
            }
            let at = script.next.fetch_add(1, Ordering::SeqCst).min(script.answers.len() - 1);
            let body = &script.answers[at];
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            if stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.is_err() {
                return;
            }
        }
    })
    .await;
    (url, received)
}

/// A server that gives every request the same answer, and counts its connections.
pub(crate) async fn counting(body: &'static str) -> (String, &'static AtomicUsize) {
    let connections: &'static AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
    let url = serve(move |mut stream: TcpStream| async move {
        connections.fetch_add(1, Ordering::SeqCst);
        while read_request(&mut stream).await.is_some() {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            if stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.is_err() {
                return;
            }
        }
    })
    .await;
    (url, connections)
}

/// A server whose queue is full, so that connecting takes for ever.
pub(crate) struct FullQueue {
    pub(crate) url: String,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

pub(crate) async fn full_queue() -> FullQueue {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("an address");
    let mut waiting = Vec::new();
    // Nobody accepts them; the kernel takes one or two more than the queue has places.
    while let Ok(Ok(stream)) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    FullQueue { url: format!("http://{address}"), _listener: listener, _waiting: waiting }
}

/// A server that takes requests and never answers.
pub(crate) async fn silent() -> String {
    serve(|mut stream: TcpStream| async move { while read_request(&mut stream).await.is_some() {} }).await
}

/// A server that takes a request and hangs up.
pub(crate) async fn hanging_up() -> String {
    serve(|mut stream: TcpStream| async move { drop(read_request(&mut stream).await) }).await
}

async fn serve<F: Future<Output = ()> + Send>(
    answer: impl Fn(TcpStream) -> F + Send + Sync + Copy + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move { answer(stream).await });
        }
    });
    url
}

/// Reads a whole request; `None` when the client has gone.
async fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut buffer = [0; 8_192];
    loop {
        if let Some(head) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(Ok(0), |length| length.trim().parse()).expect("a length");
            if request.len() >= head + 4 + length {
                return Some(request);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(read @ 1..) => request.extend(&buffer[..read]),
            _ => return None,
        }
    }
}
