//! What callers are told when the store fails, or a record in it is damaged.

use std::sync::Arc;

use larder::{ErrorKind, Kv, MemoryDriver, PutOptions};
use larder_conformance::wrap::{Hook, Method, Scripted, Step, Verdict};
use larder_core::CanonicalKey;
use larder_core::driver::{DriverError, RowKey, Shard};
use serde_json::json;

use crate::support::{Answer, Server};

const TALK: &str = "the table s3cret-7 is away";

/// A gateway over a store in memory that fails as the script says.
async fn scripted() -> (Server, Kv, Arc<Scripted>) {
    let scripted = Scripted::new();
    let kv = Kv::new(scripted.over(MemoryDriver::new()));
    (Server::over(kv.clone()).await, kv, scripted)
}

/// A failure that nobody waits to pass.
fn outage() -> DriverError {
    DriverError::refused(ErrorKind::Unavailable, TALK).permanent()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_says_so_in_its_last_line() {
    let (server, kv, scripted) = scripted().await;
    // More than the store gives at once.
    let entries = (0..2_500).map(|at| (format!("k{at:04}"), "x"));
    for stored in kv.put_many(entries, None).await.expect("stored") {
        stored.expect("stored");
    }
    scripted.then(Method::Scan, [Step::pass()]);
    scripted.always(Method::Scan, Verdict::Fail(outage()));
    for values in ["base64", "none"] {
        scripted.then(Method::Scan, [Step::pass()]);
        let stream = server.get(&format!("/v1/kv/main/stream?values={values}")).await;
        let mut lines = stream.lines();
        let end = lines.pop().expect("a last line");
        assert!(!lines.is_empty() && lines.len() < 2_500, "{}", lines.len());
        assert_eq!((&end["complete"], &end["entries"]), (&json!(false), &json!(lines.len())), "{end}");
        assert_eq!(end["error"]["error"], "UNAVAILABLE");
        assert_eq!(end["error"]["requestId"].as_str(), stream.header("x-request-id"));
        assert!(!end.to_string().contains("s3cret"), "{end}");
    }
    scripted.reset();
    let whole = server.get("/v1/kv/main/stream?values=none").await.lines();
    assert_eq!(
        whole.last(),
        Some(&json!({ "complete": true, "entries": 2_500, "failed": 0, "error": null }))
    );
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_no_miss_and_tells_nothing_of_the_store() {
    let (server, kv, scripted) = scripted().await;
    kv.put("k", "x", PutOptions::new()).await.expect("stored");
    scripted.outage(&outage());
    let paths = [
        "/v1/operations/data?key=k",
        "/v1/operations/data?prefix=k",
        "/v1/kv/main/entry?key=k",
        "/v1/kv/main/scan",
        "/v1/kv/main/stream",
    ];
    for path in paths {
        let answer = server.get(path).await;
        let body = answer.refused(503, "UNAVAILABLE");
        assert!(answer.header("retry-after").is_some(), "{path}");
        assert!(!body.to_string().contains("s3cret"), "{body}");
    }
    server.put("/v1/kv/main/entry?key=k", "y").await.refused(503, "UNAVAILABLE");
    let batch = server.post("/v1/kv/main/get-many", &json!({ "keys": ["k"] })).await.ok();
    assert_eq!((&batch["failed"], &batch["items"][0]["error"]["error"]), (&json!(1), &json!("UNAVAILABLE")));
    scripted.outage(&DriverError::refused(ErrorKind::Unauthorized, TALK));
    // The store's refusal of the gateway is not the gateway's of the caller.
    server.get(paths[0]).await.refused(502, "STORE_UNUSABLE");
    scripted.reset();
    assert_eq!(server.get("/v1/kv/main/entry?key=k").await.bytes, b"x");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_may_have_been_applied_is_not_offered_for_another_try() {
    let (server, kv, scripted) = scripted().await;
    kv.put("k", "x", PutOptions::new()).await.expect("stored");
    let lost = DriverError::unknown(ErrorKind::Timeout, TALK);
    scripted.always(Method::Write, Verdict::LoseReply(lost.clone()));
    scripted.always(Method::WriteBatch, Verdict::LoseReply(lost));
    scripted.always(Method::Get, Verdict::Fail(outage()));
    scripted.always(Method::GetBatch, Verdict::Fail(outage()));
    let put = server.put("/v1/kv/main/entry?key=k", "y").await;
    put.refused(500, "AMBIGUOUS");
    assert_eq!(put.header("retry-after"), None);
    let put =
        server.post("/v1/operations/data", &json!({ "key": "k", "value": 1, "ifNotExists": true })).await;
    put.refused(500, "AMBIGUOUS");
    scripted.reset();
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_is_told_in_its_place_and_mended_by_a_put() {
    let memory = MemoryDriver::new();
    let kv = Kv::new(memory.clone());
    for key in ["a", "b", "c"] {
        kv.put(key, "1", PutOptions::new()).await.expect("stored");
    }
    let key = CanonicalKey::from_canonical("b").expect("a key");
    memory.corrupt(&RowKey { shard: Shard(0), key });
    let server = Server::over(kv).await;

    server.get("/v1/kv/main/entry?key=b").await.refused(500, "CORRUPT");
    server.get("/v1/operations/data?key=b").await.refused(500, "CORRUPT");
    let pages = ["/v1/kv/main/scan", "/v1/kv/main/scan?values=none", "/v1/operations/data?prefix="];
    for path in pages {
        let page = server.get(path).await.ok();
        let items = page["items"].as_array().expect("items");
        let keys: Vec<_> = items.iter().map(|item| item["key"].as_str().expect("a key")).collect();
        assert_eq!(keys, ["a", "b", "c"], "{path}");
        assert_eq!(
            (&items[1]["error"]["error"], &items[1]["value"]),
            (&json!("CORRUPT"), &json!(null)),
            "{path}"
        );
    }
    let in_lines =
        server.request(reqwest::Method::GET, "/v1/kv/main/scan").header("accept", "application/x-ndjson");
    let lines = Answer::of(in_lines).await.lines();
    assert_eq!((&lines[1]["key"], &lines[1]["error"]["error"]), (&json!("b"), &json!("CORRUPT")));
    assert_eq!(lines[3], json!({ "complete": true, "entries": 2, "failed": 1, "cursor": null }));
    let lines = server.get("/v1/kv/main/stream").await.lines();
    assert_eq!((&lines[1]["key"], &lines[1]["error"]["error"]), (&json!("b"), &json!("CORRUPT")));
    assert_eq!(lines[3], json!({ "complete": true, "entries": 2, "failed": 1, "error": null }));
    let batch = server.post("/v1/kv/main/get-many", &json!({ "keys": ["a", "b"] })).await.ok();
    assert_eq!((&batch["failed"], &batch["items"][1]["error"]["error"]), (&json!(1), &json!("CORRUPT")));
    server.put("/v1/kv/main/entry?key=b", "2").await.ok();
    assert_eq!(server.get("/v1/kv/main/entry?key=b").await.bytes, b"2");
    server.end().await;
}
