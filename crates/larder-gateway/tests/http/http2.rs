//! HTTP/2 in clear text, with who begins with it unasked.

use axum::body::{Body, Bytes, to_bytes};
use futures_util::future::join_all;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{Request, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::Server;

const STREAMS: usize = 50;

/// One connection, on which as many may ask at once as like to.
#[derive(Clone)]
struct Connection {
    requests: SendRequest<Body>,
    base: String,
}

impl Connection {
    async fn open(server: &Server) -> Self {
        let address = server.base().strip_prefix("http://").expect("an address");
        let stream = TcpStream::connect(address).await.expect("a connection");
        let opened = handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (requests, connection) = opened.expect("HTTP/2");
        tokio::spawn(connection);
        Self { requests, base: server.base().to_owned() }
    }

    async fn ask(&self, line: &str, body: impl Into<Body>) -> (StatusCode, Bytes) {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = request.header("content-type", "application/json").body(body.into());
        let mut requests = self.requests.clone();
        requests.ready().await.expect("it is open");
        let answer = requests.send_request(request.expect("a request")).await.expect("an answer");
        assert_eq!(answer.version(), Version::HTTP_2);
        let status = answer.status();
        (status, to_bytes(Body::new(answer.into_body()), usize::MAX).await.expect("a whole body"))
    }

    async fn ok(&self, line: &str, body: impl Into<Body>) -> Value {
        let (status, bytes) = self.ask(line, body).await;
        assert_eq!(status, 200, "{line}: {bytes:?}");
        serde_json::from_slice(&bytes).expect("JSON")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_is_read_and_paged() {
    let server = Server::start().await;
    let connection = Connection::open(&server).await;
    for at in 0..3 {
        let put = json!({ "key": format!("k:{at}"), "value": at }).to_string();
        connection.ok("POST /v1/operations/data", put).await;
    }
    assert_eq!(connection.ok("GET /v1/operations/data?key=k:1", Body::empty()).await["value"], 1);
    let page = connection.ok("GET /v1/operations/data?prefix=k:&limit=2", Body::empty()).await;
    let cursor = page["cursor"].as_str().expect("a cursor");
    let rest = format!("GET /v1/operations/data?prefix=k:&limit=2&cursor={cursor}");
    let rest = connection.ok(&rest, Body::empty()).await;
    assert_eq!((page["items"].as_array().map(Vec::len), &rest["items"][0]["value"]), (Some(2), &json!(2)));
    let (status, problem) = connection.ask("GET /v1/operations/data?key=none", Body::empty()).await;
    assert!(status == 404 && problem.starts_with(br#"{"error":"NOT_FOUND""#), "{status} {problem:?}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_ask_at_once_on_one_connection() {
    let server = Server::start().await;
    let connection = Connection::open(&server).await;
    let counted = (0..STREAMS).map(|_| connection.ok("POST /v1/kv/main/increment", r#"{"key":"n"}"#));
    let mut sums: Vec<_> =
        join_all(counted).await.iter().map(|sum| sum["number"].as_u64().expect("a number")).collect();
    sums.sort_unstable();
    assert_eq!(sums, (1..=STREAMS as u64).collect::<Vec<_>>());
    server.end().await;
}

/// One stream ends; the others, and those that come, do not notice.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_ends_its_own_stream_and_no_other() {
    let server = Server::start().await;
    let connection = Connection::open(&server).await;
    // One byte more than the route takes, and more than streams hold on their way.
    let large = vec![b'x'; 4 * 1024 * 1024];
    let asked = (0..STREAMS).map(|at| {
        let (connection, large) = (connection.clone(), large.clone());
        async move {
            if at % 10 == 0 {
                return connection.ask("PUT /v1/kv/main/entry?key=large", large).await.0;
            }
            connection.ask(&format!("PUT /v1/kv/main/entry?key=k:{at}"), "1").await.0
        }
    });
    for (at, status) in join_all(asked).await.into_iter().enumerate() {
        assert_eq!(status, if at % 10 == 0 { 413 } else { 200 }, "{at}");
    }
    let page = connection.ok("GET /v1/kv/main/scan", Body::empty()).await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(STREAMS - STREAMS / 10));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_authority_is_no_name_of_ours() {
    let server = Server::start().await;
    let mut connection = Connection::open(&server).await;
    for authority in ["rebound.example", "localhost.rebound.example:80", "rebound.example:8080"] {
        connection.base = format!("http://{authority}");
        let (status, _) = connection.ask("GET /v1/operations/data?key=k", Body::empty()).await;
        assert_eq!(status, 403, "{authority}");
    }
    connection.base = "http://localhost:80".to_owned();
    assert_eq!(connection.ask("GET /v1/operations/data?key=k", Body::empty()).await.0, 404);
}
