//! `scan` and `stream`.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Server};

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_streams_show_the_same_entries_in_order() {
    let server = Server::start().await;
    let keys: Vec<_> = (0..250).map(|at| format!("p:{at:03}")).collect();
    let entries: Vec<_> = keys.iter().map(|key| json!({ "key": key, "value": { "k": key } })).collect();
    server.post("/v1/kv/main/put-many", &json!({ "entries": entries })).await.ok();
    server.put("/v1/kv/main/entry?key=p:bytes&ttlMillis=5", "\u{0}\u{1}").await.ok();
    server.put("/v1/kv/main/entry?key=q", "not under the prefix").await.ok();

    for values in ["base64", "json", "none"] {
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = server
                .get(&format!("/v1/kv/main/scan?prefix=p:&limit=100&values={values}{cursor}"))
                .await
                .ok();
            paged.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let stream = server.get(&format!("/v1/kv/main/stream?prefix=p:&values={values}")).await;
        assert_eq!((stream.status, stream.header("content-type")), (200, Some("application/x-ndjson")));
        let mut lines = stream.lines();
        let end = lines.pop().expect("an end");
        assert_eq!(end, json!({ "complete": true, "entries": 251, "failed": 0, "error": null }));
        assert_eq!(lines, paged, "{values}");
        assert!(lines[..250].iter().zip(&keys).all(|(line, key)| line["key"] == *key), "{values}");
        let bytes = &lines[250];
        assert_eq!((&bytes["key"], &bytes["ttlMillis"]), (&json!("p:bytes"), &json!(5)));
        let (value, encoding) = match values {
            "none" => (json!(null), json!(null)),
            _ => (json!("AAE="), json!("base64")),
        };
        assert_eq!((&bytes["value"], &bytes["encoding"]), (&value, &encoding), "{values}");
        if values == "json" {
            assert_eq!(lines[7]["value"], json!({ "k": "p:007" }));
        }
    }
    let nothing = server.get("/v1/kv/main/stream?prefix=z").await.lines();
    assert_eq!(nothing, [json!({ "complete": true, "entries": 0, "failed": 0, "error": null })]);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_lines_has_what_its_document_has() {
    let server = Server::start().await;
    for (key, value) in [("k:1", "{\r\n\"a\": 1}"), ("k:2", "two"), ("k:3", "3")] {
        server.put(&format!("/v1/kv/main/entry?key={key}&ttlMillis=5"), value).await.ok();
    }
    let page = async |query: &str, accept: &str| {
        let path = format!("/v1/kv/main/scan?prefix=k:&{query}");
        Answer::of(server.request(Method::GET, &path).header("accept", accept)).await
    };
    for query in ["limit=2", "limit=2&values=json", "limit=2&values=none", "limit=3", "limit=1000"] {
        let document = page(query, "application/json").await;
        let in_lines = page(query, "application/X-NDJSON; q=1").await;
        assert_eq!((in_lines.status, in_lines.header("content-type")), (200, Some("application/x-ndjson")));
        assert_eq!((document.header("vary"), in_lines.header("vary")), (Some("Accept"), Some("Accept")));
        let mut lines = in_lines.lines();
        let end = lines.pop().expect("an end");
        let document = document.ok();
        assert_eq!(document["items"], json!(lines), "{query}");
        let expected =
            json!({ "complete": true, "entries": lines.len(), "failed": 0, "cursor": document["cursor"] });
        assert_eq!(
            (end, document["cursor"].is_string()),
            (expected, query.starts_with("limit=2")),
            "{query}"
        );
    }
    // Whoever takes something else as well gets a document.
    for accept in ["*/*", "application/x-ndjson, application/json", "text/plain"] {
        assert_eq!(
            page("limit=2", accept).await.header("content-type"),
            Some("application/json"),
            "{accept}"
        );
    }
    // What is refused is no line.
    page("limit=0", "application/x-ndjson").await.invalid("limit");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_with_line_breaks_stays_on_its_line() {
    let server = Server::start().await;
    server.put("/v1/kv/main/entry?key=k", "{\r\n  \"a\": \"x\\ny\"\n}").await.ok();
    let stream = server.get("/v1/kv/main/stream?values=json").await.lines();
    assert_eq!((stream.len(), &stream[0]["value"]), (2, &json!({ "a": "x\ny" })));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_scan_is_refused() {
    let server = Server::start().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        ("values=text", "values"),
        ("perfix=a", "query"),
    ] {
        server.get(&format!("/v1/kv/main/scan?{query}")).await.invalid(field);
    }
    let prefix = "p".repeat(513);
    server.get(&format!("/v1/kv/main/scan?prefix={prefix}")).await.invalid("prefix");
    // A scan that cannot begin has a status, not a line.
    server.get(&format!("/v1/kv/main/stream?prefix={prefix}")).await.invalid("prefix");
    // A cursor of another prefix.
    server.put("/v1/kv/main/entry?key=a:1", "").await.ok();
    server.put("/v1/kv/main/entry?key=a:2", "").await.ok();
    let page = server.get("/v1/kv/main/scan?prefix=a:&limit=1").await.ok();
    let cursor = page["cursor"].as_str().expect("a cursor");
    server.get(&format!("/v1/kv/main/scan?prefix=a&cursor={cursor}")).await.invalid("cursor");
    server.end().await;
}
