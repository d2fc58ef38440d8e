//! A gateway's life: limits, readiness, and its end.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use larder_gateway::{Access, Drained, GatewayOptions, LoopbackGuard, ServeOptions, serve_admin};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::served::{Served, keys};
use crate::wire::{Reply, request, send};

const HOST: (&str, &str) = ("Host", "localhost");
const JSON: (&str, &str) = ("Content-Type", "application/json");
const PUT: &str = "POST /v1/operations/data";

fn loopback() -> GatewayOptions {
    GatewayOptions::new(Access::Loopback(LoopbackGuard::new()))
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let served = Served::without_keys().await;
    let body = format!(r#"{{"key":"k","value":"{}"}}"#, "x".repeat(70_000));
    let reply = served.send(PUT, &[HOST, JSON], body.as_bytes()).await.is(413);
    assert_eq!(reply.json()["error"], "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn every_answer_has_an_id_and_takes_over_a_plain_one() {
    let served = Served::without_keys().await;
    let reply = served.send("GET /no/such", &[HOST, ("X-Request-Id", "mine-1")], b"").await.is(404);
    assert_eq!(reply.header("x-request-id"), Some("mine-1"));
    assert_eq!(reply.json()["requestId"], "mine-1");
    let reply = served.send("GET /no/such", &[HOST, ("X-Request-Id", "a \"b\"")], b"").await.is(404);
    let id = reply.header("x-request-id").expect("an id");
    assert!(id.len() >= 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
}

#[tokio::test]
async fn a_request_that_is_not_sent_in_time_is_given_up() {
    let options = |_: &larder::Context| loopback().request_timeout(Duration::from_millis(200));
    let served = Served::start(options, ServeOptions::new()).await;
    let mut stream = TcpStream::connect(served.address).await.expect("a connection");
    let head = request(PUT, &[HOST, JSON, ("Content-Length", "100")], b"");
    stream.write_all(&head).await.expect("it is sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    // It may have been applied, for all that the limit knows.
    assert_eq!(Reply::parse(&bytes).is(500).json()["error"], "AMBIGUOUS");
}

#[tokio::test]
async fn who_sends_for_too_long_is_told_so_all_the_same() {
    const LENGTH: usize = 3 * 1024 * 1024;
    let options = |_: &larder::Context| loopback().request_timeout(Duration::from_millis(200));
    let served = Served::start(options, ServeOptions::new()).await;
    let mut stream = TcpStream::connect(served.address).await.expect("a connection");
    let length = LENGTH.to_string();
    let head = request("POST /v1/kv/cache/put-many", &[HOST, JSON, ("Content-Length", &length)], b"");
    stream.write_all(&head).await.expect("it is sent");
    stream.write_all(&[b' '; 1_024]).await.expect("it is sent");
    // Longer than the limit; the rest comes to somebody who has stopped to wait for it.
    tokio::time::sleep(Duration::from_millis(400)).await;
    stream.write_all(&vec![b' '; LENGTH - 1_024]).await.expect("the connection stands");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    assert_eq!(Reply::parse(&bytes).is(500).json()["error"], "AMBIGUOUS");
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let serving = ServeOptions::new().head_timeout(Duration::from_millis(200));
    let served = Served::start(|_| loopback(), serving).await;
    // Nothing, what HTTP/2 begins with as well, and a part of a head.
    for begun in ["", "P", "PRI * HTTP/2.0", "GET / HT"] {
        let mut stream = TcpStream::connect(served.address).await.expect("a connection");
        stream.write_all(begun.as_bytes()).await.expect("it is sent");
        let mut bytes = Vec::new();
        // The end of the connection, with or without a word.
        let ended = timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes)).await;
        assert!(ended.is_ok(), "{begun:?} holds a connection open");
    }
}

#[tokio::test]
async fn what_is_refused_is_told_also_to_who_sends_much() {
    let served = Served::start(|context| GatewayOptions::new(keys(context)), ServeOptions::new()).await;
    // More than connections hold on their way.
    let body = vec![b' '; 4 * 1024 * 1024];
    for _ in 0..10 {
        let reply = served.send("POST /v1/kv/cache/put-many", &[HOST, JSON], &body).await.is(401);
        assert_eq!(reply.json()["error"], "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn operators_see_each_store_and_others_only_whether_it_is_ready() {
    let served = Served::start(|context| GatewayOptions::new(keys(context)), ServeOptions::new()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let admin = listener.local_addr().expect("an address");
    let gateway = served.gateway.clone();
    let serving = tokio::spawn(async move { serve_admin(&gateway, listener).await });
    let report = send(admin, "GET /readyz", &[HOST], b"").await.is(200).json();
    let expected = r#"{"ready":true,"draining":false,"stores":{"!keys":"ok","cache":"ok","other":"ok"}}"#;
    assert_eq!(report, serde_json::from_str::<serde_json::Value>(expected).expect("JSON"));
    send(admin, "GET /v1/operations/data?key=k", &[HOST], b"").await.is(404);
    let rebound = ("Host", "evil.example");
    for path in ["/readyz", "/metrics"] {
        send(admin, &format!("GET {path}"), &[rebound], b"").await.is(403);
    }
    served.gateway.drain();
    assert_eq!(send(admin, "GET /readyz", &[HOST], b"").await.is(503).json()["draining"], true);
    assert_eq!(served.send("GET /readyz", &[HOST], b"").await.is(503).text(), r#"{"ready":false}"#);
    served.send("GET /healthz", &[HOST], b"").await.is(200);
    serving.abort();
}

#[tokio::test]
async fn what_was_begun_is_finished_and_nothing_new_is_taken() {
    let mut served = Served::without_keys().await;
    let body = br#"{"key":"k","value":1}"#;
    let whole = request(PUT, &[HOST, JSON], body);
    let mut begun = TcpStream::connect(served.address).await.expect("a connection");
    let half = whole.len() - 5;
    begun.write_all(&whole[..half]).await.expect("it is sent");
    // One answer later the server has seen the half.
    served.send("GET /healthz", &[HOST], b"").await.is(200);
    served.stop();
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    begun.write_all(&whole[half..]).await.expect("it is sent");
    let mut bytes = Vec::new();
    begun.read_to_end(&mut bytes).await.expect("an answer");
    let _stored = Reply::parse(&bytes).is(200);
    assert_eq!(served.ended().await, Drained::Whole);
}

#[tokio::test]
async fn what_is_not_finished_in_time_is_cut() {
    let serving = ServeOptions::new().drain(Duration::from_secs(2));
    let mut served = Served::start(|_| loopback(), serving).await;
    let mut begun = TcpStream::connect(served.address).await.expect("a connection");
    let head = request(PUT, &[HOST, JSON, ("Content-Length", "100")], b"");
    begun.write_all(&head).await.expect("it is sent");
    let whole = request(PUT, &[HOST, JSON], br#"{"key":"k","value":1}"#);
    let (half, rest) = whole.split_at(whole.len() - 5);
    let mut other = TcpStream::connect(served.address).await.expect("a connection");
    other.write_all(half).await.expect("it is sent");
    served.send("GET /healthz", &[HOST], b"").await.is(200);
    served.stop();
    while TcpStream::connect(served.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    // What ends meanwhile is not cut, and not counted.
    other.write_all(rest).await.expect("it is sent");
    let mut bytes = Vec::new();
    other.read_to_end(&mut bytes).await.expect("an answer");
    let _stored = Reply::parse(&bytes).is(200);
    assert_eq!(served.ended().await, Drained::Cut(1));
    let mut bytes = Vec::new();
    let _ = begun.read_to_end(&mut bytes).await;
    assert!(bytes.is_empty(), "no part of an answer");
}

/// Waits until it is so.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), waiting).await.expect("it becomes so");
}

#[tokio::test]
async fn a_connection_stays_with_one_of_the_runtimes_that_are_named() {
    let end = Arc::new(Notify::new());
    let (threads, runtimes): (Vec<_>, Vec<_>) = (0..2)
        .map(|_| {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let handle = runtime.handle().clone();
            let ended = Arc::clone(&end).notified_owned();
            (thread::spawn(move || runtime.block_on(ended)), handle)
        })
        .unzip();
    let serving = ServeOptions::new().runtimes(runtimes.clone());
    let mut served = Served::start(|_| loopback(), serving).await;
    let connections =
        || runtimes.iter().map(|runtime| runtime.metrics().num_alive_tasks()).collect::<Vec<_>>();
    let address = served.address;
    let ask = async || {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it is sent");
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.expect("an answer");
        assert_eq!(&status, b"HTTP/1.1 200");
        stream
    };
    let mut open = Vec::new();
    for expected in [[1, 0], [1, 1], [2, 1], [2, 2]] {
        open.push(ask().await);
        assert_eq!(connections(), expected);
    }
    // Both of the first runtime, which has the next, too.
    drop((open.remove(2), open.remove(0)));
    until(|| connections() == [0, 2]).await;
    let _open = ask().await;
    assert_eq!(connections(), [1, 2]);
    served.stop();
    assert_eq!(served.ended().await, Drained::Whole);
    // A task counts for a moment longer than it is waited for.
    until(|| connections() == [0, 0]).await;
    end.notify_waiters();
    for thread in threads {
        thread.join().expect("no panic");
    }
}
