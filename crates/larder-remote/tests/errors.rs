//! What goes wrong between a service and its gateway: each its own kind, never a miss, never a hang.

mod support;

use std::time::{Duration, Instant};

use larder_conformance::every_operation_fails;
use larder_conformance::server::{Server, answering, cutting_off, hanging_up, nowhere, silent};
use larder_core::driver::{
    BatchItem, Consistency, Driver, DriverError, Effect, Guard, Increment, Mutation, Projection, Read,
    RowKey, Shard, Write,
};
use larder_core::record::WriteStamp;
use larder_core::{CanonicalKey, ErrorKind, Expiry, Kv, PutOptions, RetryPolicy, Timestamp};
use larder_remote::wire::{Attempt, Method};
use larder_remote::{PlainHttp, RemoteDriver, RemoteOptions};

use support::{BINDING, START, clock, impatient, memory, remote};

fn at(url: impl Into<String>) -> RemoteOptions {
    RemoteOptions::new(url, BINDING).api_key("hunter2").attempt_timeout(Duration::from_millis(300))
}

fn problem(status: u16, code: &str) -> String {
    format!(
        r#"{{"error":"{code}","message":"why","statusCode":{status},"validationErrors":[],"requestId":"r"}}"#
    )
}

/// A gateway that refuses everything.
async fn refusing(status: &'static str, code: &'static str) -> String {
    let number: u16 = status[..3].parse().expect("a status");
    Server::start(move |_| (status, "content-type: application/json\r\n".into(), problem(number, code)))
        .await
        .url
}

/// What became of each kind of write, as the driver tells it.
async fn writes(url: &str) -> Vec<DriverError> {
    let driver = RemoteDriver::open(&at(url)).expect("the options are right");
    let row = RowKey { shard: Shard(0), key: CanonicalKey::from_canonical("k").expect("canonical") };
    let (now, stamp) = (START, WriteStamp::new(START));
    let write = Write { mutation: Mutation::Delete, guard: Guard::Always, stamp };
    let adding = Increment { delta: 1, expires_at: Expiry::NEVER, stamp };
    let timed = |result: Result<(), DriverError>| result.expect_err("it fails");
    vec![
        timed(driver.write(&row, &write, now).await.map(drop)),
        timed(driver.write_batch(&[(row.clone(), write)], now).await.map(drop)),
        timed(driver.increment(&row, &adding, now).await.map(drop)),
    ]
}

async fn read(url: &str) -> DriverError {
    let driver = RemoteDriver::open(&at(url)).expect("the options are right");
    let row = RowKey { shard: Shard(0), key: CanonicalKey::from_canonical("k").expect("canonical") };
    let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
    driver.get(&row, read).await.expect_err("it fails")
}

#[tokio::test]
async fn what_the_gateway_refuses_has_its_kind_and_was_not_applied() {
    for (status, code, kind) in [
        ("401 Unauthorized", "UNAUTHORIZED", ErrorKind::Unauthorized),
        ("403 Forbidden", "FORBIDDEN", ErrorKind::Unauthorized),
        ("404 Not Found", "BINDING_NOT_FOUND", ErrorKind::NotProvisioned),
        ("429 Too Many Requests", "RATE_LIMITED", ErrorKind::Throttled),
        ("503 Service Unavailable", "UNAVAILABLE", ErrorKind::Unavailable),
    ] {
        let url = refusing(status, code).await;
        every_operation_fails(&impatient(&at(&url)), kind, &["why", code, BINDING]).await;
        for error in writes(&url).await {
            assert_eq!((error.kind, error.effect), (kind, Effect::NotApplied), "{status}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_gateway_says_how_long_to_wait() {
    let url = Server::start(|_| {
        ("429 Too Many Requests", "retry-after: 7\r\n".into(), problem(429, "RATE_LIMITED"))
    })
    .await
    .url;
    assert_eq!(read(&url).await.retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn what_a_proxy_answers_leaves_open_what_became_of_a_write() {
    for (status, kind) in [
        ("302 Found", ErrorKind::NotConfigured),
        ("404 Not Found", ErrorKind::NotProvisioned),
        ("502 Bad Gateway", ErrorKind::Unavailable),
        ("503 Service Unavailable", ErrorKind::Unavailable),
        ("504 Gateway Timeout", ErrorKind::Timeout),
    ] {
        let url = answering(status, "", "<html>hunter2</html>").await;
        for error in writes(&url).await {
            assert_eq!((error.kind, error.effect), (kind, Effect::Unknown), "{status}: {error:?}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        let error = read(&url).await;
        assert_eq!(
            (error.kind, error.effect),
            (kind, Effect::NotApplied),
            "a read changes nothing: {error:?}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_no_outcome_acknowledges_nothing() {
    let ours = "content-type: application/vnd.larder.attempt\r\n";
    for (headers, body) in [
        ("", ""),
        ("content-type: text/html\r\n", "<html>hunter2</html>"),
        (ours, ""),
        (ours, "\u{1}"),
        (ours, "hunter2"),
        // A record, which is no answer to a write.
        (ours, "\u{1}\0\0\0"),
    ] {
        let url = answering("200 OK", headers, body).await;
        for error in writes(&url).await {
            assert_eq!(
                (error.kind, error.effect),
                (ErrorKind::Unavailable, Effect::Unknown),
                "{body}: {error:?}"
            );
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}

#[tokio::test]
async fn nobody_there_means_that_nothing_was_sent() {
    let url = nowhere().await;
    every_operation_fails(&impatient(&at(&url)), ErrorKind::Unavailable, &["cannot be reached", BINDING])
        .await;
    for error in writes(&url).await {
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error:?}");
    }
}

#[tokio::test]
async fn a_reply_that_does_not_come_leaves_open_what_became_of_a_write() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.larder.attempt\r\n";
    for url in [hanging_up().await, cutting_off(head, "\u{1}").await] {
        every_operation_fails(&impatient(&at(&url)), ErrorKind::Unavailable, &[BINDING]).await;
        for error in writes(&url).await {
            assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::Unknown), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_gateway_that_never_answers_is_given_up() {
    let started = Instant::now();
    let kv = impatient(&at(silent().await));
    assert_eq!(kv.get("k").await.expect_err("no answer").kind(), ErrorKind::Timeout);
    // The time is not known, so that nothing was written.
    let error = kv.put("k", "v", PutOptions::new()).await.expect_err("no answer");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_binding_that_is_not_served_is_not_provisioned() {
    let served = memory(1, &clock(START)).await;
    let mut options = served.options();
    options.binding = "another".into();
    every_operation_fails(&impatient(&options), ErrorKind::NotProvisioned, &["another", "no such binding"])
        .await;
}

/// A gateway that stands behind a path, and one that is none.
#[tokio::test]
async fn the_path_of_the_url_is_kept() {
    let server = Server::start(|_| ("404 Not Found", String::new(), String::new())).await;
    remote(&at(format!("{}/base/", server.url))).get("k").await.expect_err("it is none");
    let seen = server.seen();
    assert!(seen[0].line().starts_with("POST /base/v1/attempt/cache/check "), "{}", seen[0].line());
    assert_eq!(seen[0].header("authorization"), Some("Bearer hunter2"));
    assert_eq!(seen[0].header("content-type"), Some("application/vnd.larder.attempt"));
}

#[tokio::test]
async fn options_that_cannot_be_right_are_refused_before_anything_is_sent() {
    for (options, words) in [
        (RemoteOptions::new("http://example.com", BINDING), "https://"),
        (RemoteOptions::new("example.com", BINDING), "url"),
        (RemoteOptions::new("https://example.com", "a/b"), "resource id"),
        (RemoteOptions::new("https://example.com", BINDING).api_key("hunter2 "), "apiKey"),
    ] {
        let error = RemoteDriver::open(&options).expect_err("it cannot be right");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(words) && !error.to_string().contains("hunter2"), "{error}");
    }
    let anywhere = RemoteOptions::new("http://example.com", BINDING).plain_http(PlainHttp::Anywhere);
    RemoteDriver::open(&anywhere).expect("the caller said so");
}

#[tokio::test]
async fn the_key_is_shown_nowhere() {
    let driver = RemoteDriver::open(&at("https://example.com")).expect("the options are right");
    for shown in [format!("{driver:?}"), format!("{driver:#?}"), format!("{:?}", at("https://example.com"))] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

fn delete() -> Write {
    Write { mutation: Mutation::Delete, guard: Guard::Always, stamp: WriteStamp::new(START) }
}

/// What a handle would have refused is refused by the gateway, whoever sends it.
#[tokio::test]
async fn what_no_handle_sends_is_refused_by_the_gateway() {
    let now = clock(START);
    let served = memory(4, &now).await;
    let options = served.options().clock(now);
    let driver = RemoteDriver::open(&options).expect("the options are right");
    let row =
        |key: &str| RowKey { shard: Shard(0), key: CanonicalKey::from_canonical(key).expect("canonical") };
    let put = |size: usize, expires_at| Write {
        mutation: Mutation::Put { value: vec![b'x'; size].into(), expires_at, register: None },
        guard: Guard::Always,
        stamp: WriteStamp::new(START),
    };
    let after_9999 = Expiry::at(Timestamp::from_millis(253_402_300_800_000));
    for (row, write, words) in [
        (row("k"), put(24_577, Expiry::NEVER), "24576"),
        (row("k"), put(1, after_9999), "9999"),
        (row(&"k".repeat(513)), put(1, Expiry::NEVER), "512"),
        (row("!layout"), put(1, Expiry::NEVER), "out of reach"),
    ] {
        let error = driver.write(&row, &write, START).await.expect_err("it is refused");
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidInput, Effect::NotApplied), "{error:?}");
        assert!(error.message.contains(words), "{error:?}");
    }
    let fine = put(24_576, Expiry::NEVER);
    let twice = [(row("k"), fine.clone()), (row("k"), fine.clone())];
    let error = driver.write_batch(&twice, START).await.expect_err("a key twice");
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidInput, Effect::NotApplied), "{error:?}");
    let conditional = Write { guard: Guard::Absent, ..fine.clone() };
    let items = driver.write_batch(&[(row("k"), conditional), (row("good"), fine)], START).await;
    let [BatchItem::Done(Err(error)), BatchItem::Done(Ok(_))] = &items.expect("the batch works")[..] else {
        panic!("each position has its own answer")
    };
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidInput, Effect::NotApplied), "{error:?}");
    driver.write(&row("good"), &delete(), START).await.expect("a delete");
    assert!(driver.is_empty().await.expect("a look"), "something was stored");
}

#[tokio::test]
async fn the_gateway_is_told_what_is_left_of_the_operations_time() {
    let server =
        Server::start(|_| ("503 Service Unavailable", String::new(), problem(503, "UNAVAILABLE"))).await;
    let mut policy = RetryPolicy::default();
    policy.attempt_timeout = Duration::from_secs(60);
    policy.deadline = Duration::from_secs(1);
    let options = at(&server.url).attempt_timeout(policy.attempt_timeout);
    let driver = RemoteDriver::open(&options).expect("the options are right");
    let kv = Kv::builder(driver).retry(policy).build();
    kv.get("k").await.expect_err("it is never answered");
    let told: Vec<Duration> = server
        .seen()
        .into_iter()
        .map(|seen| {
            let method = seen.line().split(' ').nth(1).and_then(|path| path.rsplit('/').next());
            let method = Method::ALL.into_iter().find(|known| Some(known.as_str()) == method);
            Attempt::decode(method.expect("a method"), seen.bytes).expect("an attempt").time_left
        })
        .collect();
    assert!(told.len() > 1, "it was tried again");
    assert!(told[0] <= Duration::from_secs(1) && told[0] > Duration::from_millis(500), "{told:?}");
    assert!(told.is_sorted_by(|earlier, later| earlier >= later), "{told:?}");
    assert!(told.last() < told.first(), "{told:?}");
}
