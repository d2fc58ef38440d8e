//! A handler that panics, here because its store does.

use std::sync::Arc;

use larder::{Kv, MemoryDriver, PutOptions};
use larder_conformance::wrap::{Hook, Method, Scripted, Step};
use serde_json::json;

use crate::caller::Caller;
use crate::support::Server;

const TALK: &str = "the table s3cret-7 is no table";

fn panics() -> Step {
    Step::pass().after(|| panic!("{TALK}"))
}

/// A gateway over a store with one entry.
async fn scripted() -> (Server, Arc<Scripted>) {
    let scripted = Scripted::new();
    let kv = Kv::new(scripted.over(MemoryDriver::new()));
    kv.put("k", "1", PutOptions::new()).await.expect("stored");
    (Server::over(kv).await, scripted)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_defect_that_tells_nothing_of_itself() {
    let (server, scripted) = scripted().await;
    for method in [Method::Get, Method::Write, Method::Scan, Method::Increment, Method::GetBatch] {
        scripted.then(method, [panics()]);
    }
    let answers = [
        server.get("/v1/kv/main/entry?key=k").await,
        server.put("/v1/kv/main/entry?key=k", "2").await,
        server.get("/v1/kv/main/stream").await,
        server.post("/v1/kv/main/increment", &json!({ "key": "k" })).await,
        server.post("/v1/kv/main/get-many", &json!({ "keys": ["k"] })).await,
    ];
    for answer in answers {
        let body = answer.refused(500, "INTERNAL");
        assert!(!body.to_string().contains("s3cret"), "{body}");
        assert_eq!(answer.header("retry-after"), None);
    }
    assert_eq!(server.get("/v1/kv/main/entry?key=k").await.bytes, b"1");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_on_behind_a_panic() {
    let (server, scripted) = scripted().await;
    let mut caller = Caller::connect(server.base()).await;
    for _ in 0..3 {
        scripted.then(Method::Get, [panics()]);
        for (status, word) in [("500 ", "INTERNAL"), ("200 OK", "1")] {
            caller.ask("GET /v1/kv/main/entry?key=k", "").await;
            caller.is(status).await;
            assert!(caller.answer().await.contains(word));
        }
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_a_panic_breaks_off_says_so_in_its_last_line() {
    let scripted = Scripted::new();
    let kv = Kv::new(scripted.over(MemoryDriver::new()));
    // More than the store gives at once.
    let entries = (0..2_500).map(|at| (format!("k{at:04}"), "x"));
    for stored in kv.put_many(entries, None).await.expect("stored") {
        stored.expect("stored");
    }
    let server = Server::over(kv).await;
    scripted.then(Method::Scan, [Step::pass(), panics()]);
    let mut lines = server.get("/v1/kv/main/stream").await.lines();
    let end = lines.pop().expect("a last line");
    assert!(!lines.is_empty() && lines.len() < 2_500, "{}", lines.len());
    assert_eq!((&end["complete"], &end["error"]["error"]), (&json!(false), &json!("INTERNAL")), "{end}");
    assert!(!end.to_string().contains("s3cret"), "{end}");
    assert_eq!(server.get("/v1/kv/main/stream").await.lines().len(), 2_501);
    server.end().await;
}
