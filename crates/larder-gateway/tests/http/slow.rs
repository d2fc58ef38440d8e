//! A store that is slower than requests may be. In memory and by a clock that is stopped, so that each limit passes at once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use larder::{Kv, MemoryDriver, PutOptions};
use larder_conformance::wrap::{Call, Hook, Method, Scripted, Verdict};
use larder_core::driver::Driver;
use larder_gateway::{Access, Gateway, GatewayOptions, LoopbackGuard, Stores};
use serde_json::Value;
use tokio::time::Instant;
use tower::ServiceExt;

/// Shorter than a handle waits for its store, and than what it says then.
const LIMIT: Duration = Duration::from_secs(1);

/// Takes writes, applies them, and never answers.
#[derive(Debug)]
struct Mute;

#[async_trait]
impl Hook for Mute {
    async fn before(&self, call: Call<'_>, inner: &dyn Driver) -> Verdict {
        match call {
            Call::Write(row, write, now) if !call.is_system() => drop(inner.write(row, write, now).await),
            _ => return Verdict::Pass,
        }
        Verdict::Hang
    }
}

fn gateway(kv: &Kv) -> Gateway {
    let options = GatewayOptions::new(Access::Loopback(LoopbackGuard::new())).request_timeout(LIMIT);
    let stores = Stores::of_handles([("main", kv.clone())]).expect("a store");
    Gateway::with_options(stores, options, None)
}

/// The status and the body of an answer.
async fn ask(gateway: &Gateway, line: &str, body: &str) -> (u16, Value) {
    let (method, uri) = line.split_once(' ').expect("a method and a path");
    let request = Request::builder().method(method).uri(uri).header("host", "localhost");
    let request = request.header("content-type", "application/json").body(Body::from(body.to_owned()));
    let answer = gateway.router().oneshot(request.expect("a request")).await.expect("an answer");
    let status = answer.status().as_u16();
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.expect("a whole body");
    // An answer to HEAD has no body.
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// A gateway over a store that does not answer any more.
async fn hung() -> (Gateway, Arc<Scripted>) {
    let scripted = Scripted::new();
    let kv = Kv::new(scripted.over(MemoryDriver::new()));
    kv.put("k", "1", PutOptions::new()).await.expect("stored");
    for method in Method::ALL {
        scripted.always(method, Verdict::Hang);
    }
    (gateway(&kv), scripted)
}

#[tokio::test(start_paused = true)]
async fn a_read_that_takes_too_long_may_be_tried_again() {
    let (gateway, scripted) = hung().await;
    for (line, body) in [
        ("GET /v1/operations/data?key=k", ""),
        ("GET /v1/operations/data?prefix=", ""),
        ("GET /v1/kv/main/entry?key=k", ""),
        ("HEAD /v1/kv/main/entry?key=k", ""),
        ("GET /v1/kv/main/scan", ""),
        ("GET /v1/kv/main/stream", ""),
        ("POST /v1/kv/main/get-many", r#"{"keys":["k"]}"#),
    ] {
        let begun = Instant::now();
        let (status, problem) = ask(&gateway, line, body).await;
        assert_eq!(status, 504, "{line}: {problem}");
        assert!(line.starts_with("HEAD") || problem["error"] == "TIMEOUT", "{line}: {problem}");
        assert_eq!(begun.elapsed(), LIMIT, "{line}");
    }
    scripted.reset();
    assert_eq!(ask(&gateway, "GET /v1/operations/data?key=k", "").await.1["value"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_takes_too_long_may_have_been_applied() {
    let (gateway, scripted) = hung().await;
    for (line, body) in [
        ("POST /v1/operations/data", r#"{"key":"k","value":2}"#),
        ("DELETE /v1/operations/data?key=k", ""),
        ("PUT /v1/kv/main/entry?key=k", "2"),
        ("DELETE /v1/kv/main/entry?key=k", ""),
        ("POST /v1/kv/main/touch", r#"{"key":"k","ttlMillis":1000}"#),
        ("POST /v1/kv/main/increment", r#"{"key":"k"}"#),
        ("POST /v1/kv/main/put-many", r#"{"entries":[{"key":"k","value":2}]}"#),
        ("POST /v1/kv/main/delete-many", r#"{"keys":["k"]}"#),
    ] {
        let begun = Instant::now();
        let (status, problem) = ask(&gateway, line, body).await;
        assert_eq!((status, &problem["error"]), (500, &"AMBIGUOUS".into()), "{line}: {problem}");
        assert_eq!(begun.elapsed(), LIMIT, "{line}");
    }
    scripted.reset();
    assert_eq!(ask(&gateway, "PUT /v1/kv/main/entry?key=k", "3").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_said_to_be_open_can_be_there() {
    let gateway = gateway(&Kv::new(Arc::new(Mute).over(MemoryDriver::new())));
    let (status, problem) = ask(&gateway, "PUT /v1/kv/main/entry?key=k", "2").await;
    assert_eq!((status, &problem["error"]), (500, &"AMBIGUOUS".into()), "{problem}");
    assert_eq!(ask(&gateway, "GET /v1/operations/data?key=k", "").await.1["value"], 2);
}
