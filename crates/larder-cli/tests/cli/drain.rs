//! `kill -TERM` while many write: nothing that was acknowledged is lost, and no answer is torn.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::serving::{Serving, ask};
use crate::support::Shell;

const WRITERS: usize = 16;
const READERS: usize = 8;
/// So many writes are acknowledged before it is asked to end.
const BEFORE: usize = 400;

/// A kilobyte that no other key has.
fn value_of(key: &str) -> String {
    key.repeat(1_024 / key.len())
}

/// Reads a large value on one connection until it is closed.
fn read(address: SocketAddr, large: &str) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it can be set");
    let request = format!("GET /v1/kv/default/entry?key=large HTTP/1.1\r\nHost: {address}\r\n\r\n");
    loop {
        // Refused or not, there is an answer or there is none.
        let _ = stream.write_all(request.as_bytes());
        match answer(&mut stream) {
            Some((status, body)) => {
                assert!(status == 200 && body == large, "{status} with {} bytes", body.len())
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
        let body = format!(r#"{{"key":"{key}","value":"{}"}}"#, value_of(&key));
        let request = format!(
            "POST /v1/operations/data HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
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
    let mut part = [0; 4_096];
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
        let declared = declared.expect("a length").expect("a number");
        if body.len() == declared {
            let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
            return Some((status, body.to_owned()));
        }
    }
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
        let acknowledged = AtomicUsize::new(0);
        let written: Vec<String> = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    scope.spawn({
                        let acknowledged = &acknowledged;
                        move || write(address, writer, acknowledged)
                    })
                })
                .collect();
            let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(|| read(address, &large))).collect();
            while acknowledged.load(Ordering::SeqCst) < BEFORE {
                thread::yield_now();
            }
            serving.terminate();
            for reader in readers {
                reader.join().expect("no torn answer");
            }
            writers.into_iter().flat_map(|writer| writer.join().expect("no torn answer")).collect()
        });
        let ended = serving.ended();
        assert!(ended.status.success(), "{ended:?}");
        assert!(written.len() >= BEFORE);
        let stored = shell.done(&["scan", "writer-", "-o", "ndjson", "--as", "json"]);
        let stored: HashMap<String, serde_json::Value> = stored
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an object a line"))
            .map(|entry| (entry["key"].as_str().expect("a key").to_owned(), entry["json"].clone()))
            .collect();
        for key in &written {
            let value = stored.get(key).unwrap_or_else(|| panic!("{key} was acknowledged and is not there"));
            assert_eq!(*value, serde_json::Value::from(value_of(key)), "{key}");
        }
    }
}

/// Begins a request that will never be whole.
fn begin(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "POST /v1/operations/data HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it is sent");
    // One answer later, the gateway has seen it.
    assert_eq!(ask(address, "GET /healthz", &[], "").0, 200);
    stream
}

#[test]
fn what_is_not_done_in_time_is_cut_and_told() {
    let shell = Shell::new();
    let serving = Serving::start(&shell, &["--listen", "127.0.0.1:0", "--drain", "200ms"]);
    let mut begun = begin(serving.address);
    serving.terminate();
    let ended = serving.ended();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.errors.contains("1 connections were cut"), "{ended:?}");
    assert_eq!(answer(&mut begun), None);
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
        serde_json::json!({
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
