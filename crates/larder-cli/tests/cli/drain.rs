//! `kill -TERM` while many write, read and scan: nothing that was acknowledged is lost, and no answer is torn.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use futures_util::future::join_all;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};

use crate::serving::{Serving, ask, begin};
use crate::support::Shell;

const WRITERS: usize = 16;
const READERS: usize = 8;
/// Entries of a batch.
const BATCH: usize = 25;
/// Entries of a stream.
const STREAMED: usize = 300;
/// So many writes are acknowledged before it is asked to end.
const BEFORE: usize = 400;

/// A kilobyte that no other key has.
fn value_of(key: &str) -> String {
    key.repeat(1_024 / key.len())
}

/// A request with a body.
fn post(address: SocketAddr, path: &str, body: &Value) -> String {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads a large value on one connection until it is closed.
fn read(address: SocketAddr, large: &str, done: &AtomicUsize) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it can be set");
    let request = format!("GET /v1/kv/default/entry?key=large HTTP/1.1\r\nHost: {address}\r\n\r\n");
    loop {
        // Refused or not, there is an answer or there is none.
        let _ = stream.write_all(request.as_bytes());
        match answer(&mut stream) {
            Some((status, body)) => {
                assert!(status == 200 && body == large, "{status} with {} bytes", body.len());
                done.fetch_add(1, Ordering::SeqCst);
            }
            None => return,
        }
    }
}

/// Writes on one connection until it is closed; returns the keys whose writes were acknowledged.
fn write(address: SocketAddr, writer: usize, acknowledged: &AtomicUsize) -> Vec<String> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it can be set");
    let mut keys = Vec::new();
    loop {
        let key = format!("writer-{writer}:{}", keys.len());
        let request = post(address, "/v1/operations/data", &json!({ "key": key, "value": value_of(&key) }));
        // Refused or not, there is an answer or there is none.
        let _ = stream.write_all(request.as_bytes());
        match answer(&mut stream) {
            Some((200, _)) => {
                keys.push(key);
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Some((status, body)) => panic!("{status} for {key}: {body}"),
            None => return keys,
        }
    }
}

/// The status and the body of a whole answer; `None` when the connection was closed before the first byte of one.
fn answer(stream: &mut TcpStream) -> Option<(u16, String)> {
    let mut bytes = Vec::new();
    let mut part = [0; 65_536];
    loop {
        let length = match stream.read(&mut part) {
            Ok(0) => 0,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("no answer: {error}"),
        };
        if length == 0 {
            assert!(bytes.is_empty(), "a torn answer: {:?}", String::from_utf8_lossy(&bytes));
            return None;
        }
        bytes.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let declared = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        let body = match declared {
            Some(declared) => (body.len() == declared.expect("a number")).then(|| body.to_owned()),
            None => dechunked(body),
        };
        if let Some(body) = body {
            let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
            return Some((status, body));
        }
    }
}

/// What was sent in chunks, once the last is there.
fn dechunked(mut chunks: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (length, rest) = chunks.split_once("\r\n")?;
        let length = usize::from_str_radix(length, 16).expect("a length");
        let chunk = rest.get(..length + 2)?.strip_suffix("\r\n").expect("the end of a chunk");
        if length == 0 {
            return Some(body);
        }
        body.push_str(chunk);
        chunks = &rest[length + 2..];
    }
}

/// Writes batches on one connection until it is closed; returns the keys of those that were acknowledged.
fn write_many(address: SocketAddr, done: &AtomicUsize) -> Vec<String> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it can be set");
    let mut acknowledged = Vec::new();
    loop {
        let keys = (0..BATCH).map(|at| format!("writer-many:{}", acknowledged.len() + at));
        let entries: Vec<_> = keys.map(|key| json!({ "key": key, "value": value_of(&key) })).collect();
        let request = post(address, "/v1/kv/default/put-many", &json!({ "entries": entries }));
        // Refused or not, there is an answer or there is none.
        let _ = stream.write_all(request.as_bytes());
        match answer(&mut stream) {
            Some((status, body)) => {
                let answer: Value = serde_json::from_str(&body).expect("JSON");
                assert_eq!((status, &answer["failed"]), (200, &json!(0)), "{body}");
                let items = answer["items"].as_array().expect("items");
                assert_eq!(items.len(), BATCH, "{body}");
                done.fetch_add(1, Ordering::SeqCst);
                acknowledged.extend(items.iter().map(|item| item["key"].as_str().expect("a key").to_owned()));
            }
            None => return acknowledged,
        }
    }
}

/// Reads streams of what was there before on one connection until it is closed.
fn stream(address: SocketAddr, done: &AtomicUsize) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it can be set");
    let request = format!("GET /v1/kv/default/stream?prefix=streamed: HTTP/1.1\r\nHost: {address}\r\n\r\n");
    loop {
        // Refused or not, there is an answer or there is none.
        let _ = stream.write_all(request.as_bytes());
        let Some((status, body)) = answer(&mut stream) else { return };
        assert_eq!(status, 200, "{body}");
        let mut lines = body.lines().map(|line| serde_json::from_str::<Value>(line).expect("a whole line"));
        let end = lines.next_back().expect("an end");
        assert_eq!(end, json!({ "complete": true, "entries": STREAMED, "failed": 0, "error": null }));
        assert_eq!(lines.count(), STREAMED);
        done.fetch_add(1, Ordering::SeqCst);
    }
}

/// Writes on one connection of HTTP/2, many at a time, until it is told to go away; returns the keys whose writes were
/// acknowledged.
async fn write_by_http2(address: SocketAddr, done: &AtomicUsize) -> Vec<String> {
    let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let (requests, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let writers = (0..WRITERS).map(async |writer| {
        let mut requests: SendRequest<String> = requests.clone();
        let mut keys = Vec::new();
        loop {
            let key = format!("writer-http2-{writer}:{}", keys.len());
            let body = json!({ "key": key, "value": value_of(&key) }).to_string();
            let request = Request::post(format!("http://{address}/v1/operations/data"));
            let request = request.header("content-type", "application/json").body(body).expect("a request");
            let sent = async {
                requests.ready().await?;
                requests.send_request(request).await
            };
            // One that the gateway did not take has no answer; one that has an answer has a whole one.
            let Ok(answer) = sent.await else { return keys };
            assert_eq!(answer.status(), 200, "{key}");
            let body = answer.into_body().collect().await.expect("a whole body");
            serde_json::from_slice::<Value>(&body.to_bytes()).expect("JSON");
            done.fetch_add(1, Ordering::SeqCst);
            keys.push(key);
        }
    });
    let keys = join_all(writers).await.concat();
    drop(requests);
    // Requests that met the end on their way may have it end by a reset. They have no answer.
    let _ = connection.await.expect("it runs");
    keys
}

#[test]
fn terminated_under_load_it_loses_nothing_and_tears_nothing() {
    for _ in 0..3 {
        let shell = Shell::new();
        let serving = Serving::start(&shell, &["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        let (address, admin) = (serving.address, serving.admin.expect("an address"));
        assert_eq!(ask(admin, "GET /readyz", &[], "").0, 200);
        let large = "l".repeat(24_576);
        assert_eq!(ask(address, "PUT /v1/kv/default/entry?key=large", &[], &large).0, 200);
        let keys: Vec<_> = (0..STREAMED).map(|at| format!("streamed:{at}")).collect();
        for keys in keys.chunks(100) {
            let entries: Vec<_> =
                keys.iter().map(|key| json!({ "key": key, "value": value_of(key) })).collect();
            let (json, put) =
                (("Content-Type", "application/json"), json!({ "entries": entries }).to_string());
            assert_eq!(ask(address, "POST /v1/kv/default/put-many", &[json], &put).0, 200);
        }
        let acknowledged = AtomicUsize::new(0);
        let [reads, batches, streams, by_http2] = [const { AtomicUsize::new(0) }; 4];
        let written: Vec<String> = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    scope.spawn({
                        let acknowledged = &acknowledged;
                        move || write(address, writer, acknowledged)
                    })
                })
                .collect();
            let many = scope.spawn(|| write_many(address, &batches));
            let streaming = scope.spawn(|| stream(address, &streams));
            let http2 = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(write_by_http2(address, &by_http2))
            });
            let readers: Vec<_> =
                (0..READERS).map(|_| scope.spawn(|| read(address, &large, &reads))).collect();
            // All of them are at it. One that ends already has failed, and says so when it is joined.
            let has_ended = || {
                let mut writers = writers.iter().map(ScopedJoinHandle::is_finished);
                let mut readers = readers.iter().map(ScopedJoinHandle::is_finished);
                let alone = many.is_finished() || streaming.is_finished() || http2.is_finished();
                alone || writers.any(|ended| ended) || readers.any(|ended| ended)
            };
            while !has_ended()
                && (acknowledged.load(Ordering::SeqCst) < BEFORE
                    || reads.load(Ordering::SeqCst) < READERS
                    || [&batches, &streams, &by_http2].iter().any(|done| done.load(Ordering::SeqCst) == 0))
            {
                thread::yield_now();
            }
            serving.terminate();
            for reader in readers {
                reader.join().expect("no torn answer");
            }
            streaming.join().expect("no torn stream");
            let (many, http2) = (many.join().expect("no torn answer"), http2.join().expect("no torn answer"));
            let one_by_one = writers.into_iter().flat_map(|writer| writer.join().expect("no torn answer"));
            one_by_one.chain(many).chain(http2).collect()
        });
        let ended = serving.ended();
        assert!(ended.status.success(), "{ended:?}");
        assert!(written.len() >= BEFORE);
        let stored = shell.done(&["scan", "writer-", "-o", "ndjson", "--as", "json"]);
        let stored: HashMap<String, Value> = stored
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("an object a line"))
            .map(|entry| (entry["key"].as_str().expect("a key").to_owned(), entry["json"].clone()))
            .collect();
        for key in &written {
            let value = stored.get(key).unwrap_or_else(|| panic!("{key} was acknowledged and is not there"));
            assert_eq!(*value, Value::from(value_of(key)), "{key}");
        }
    }
}

#[test]
fn what_is_not_done_in_time_is_cut_and_told() {
    let flag = (Shell::new(), &["--drain", "200ms"][..]);
    let mut variable = (Shell::new(), &[][..]);
    variable.0.set("LARDER_SERVE_DRAIN", "200ms");
    for (shell, arguments) in [flag, variable] {
        let serving = Serving::start(&shell, &[&["--listen", "127.0.0.1:0"], arguments].concat());
        let mut begun = begin(serving.address);
        serving.terminate();
        let ended = serving.ended();
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        assert!(ended.errors.contains("1 connections were cut"), "{ended:?}");
        assert_eq!(answer(&mut begun), None);
    }
}

#[test]
fn a_second_signal_cuts_at_once() {
    let shell = Shell::new();
    let serving = Serving::start(
        &shell,
        &["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--drain", "1h"],
    );
    let admin = serving.admin.expect("an address");
    let mut begun = begin(serving.address);
    serving.terminate();
    // Two signals at once are one to the kernel: the first has come when the gateway says so.
    while ask(admin, "GET /readyz", &[], "").0 == 200 {}
    assert_eq!(ask(admin, "GET /healthz", &[], "").0, 200, "operators are answered to the end");
    serving.terminate();
    let ended = serving.ended();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!(answer(&mut begun), None);
}

/// A script goes on when its caller leaves. This one waits for a store that takes connections and never answers.
#[cfg(all(unix, feature = "aws"))]
#[test]
fn a_script_that_is_not_done_in_time_is_cut_and_told() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let endpoint = format!("http://{}", mute.local_addr().expect("an address"));
    let mut shell = Shell::new();
    shell.set(
        "LARDER_MUTE_BINDING",
        json!({
            "service": "dynamodb", "tableName": "mute", "region": "eu-central-1", "endpointUrl": endpoint,
            "accessKeyId": "test", "secretAccessKey": "hush-hush",
        })
        .to_string(),
    );
    std::fs::create_dir(shell.path().join("scripts")).expect("a directory");
    let source = "export default async (input, { kv }) => kv.get('k')";
    std::fs::write(shell.path().join("scripts/waits.js"), source).expect("a file");
    // A drain that is over long before the script has used up its 5 s, and long after its caller's connection has ended.
    let serving = Serving::start(
        &shell,
        &[
            "-b",
            "mute",
            "--auth",
            "loopback",
            "--listen",
            "127.0.0.1:0",
            "--scripts-dir",
            "scripts",
            "--drain",
            "1s",
        ],
    );
    let address = serving.address;
    let mut caller = TcpStream::connect(address).expect("a connection");
    let body = r#"{"script":"waits"}"#;
    let request = format!(
        "POST /v1/operations/scripts HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    caller.write_all(request.as_bytes()).expect("it is sent");
    // Nobody but the script uses the store.
    let _asked = mute.accept().expect("the script has begun");
    drop(caller);
    serving.terminate();
    let ended = serving.ended();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.errors.contains("scripts were cut whose callers had left"), "{ended:?}");
}
