//! What is refused, and how errors look.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Server};

const DATA: &str = "/v1/operations/data";
const ENTRY: &str = "/v1/kv/main/entry";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_body_names_the_field_and_not_what_it_held() {
    let server = Server::start().await;
    for (body, field) in [
        (json!({}), "key"),
        (json!({ "key": "k" }), "value"),
        (json!({ "key": 7, "value": 1 }), "key"),
        (json!({ "key": "", "value": 1 }), "key"),
        (json!({ "key": "k".repeat(513), "value": 1 }), "key"),
        (json!({ "key": "k", "value": "v".repeat(24_575) }), "value"),
        (json!({ "key": "k", "value": 1, "ifNotExists": "s3cret" }), "ifNotExists"),
        (json!({ "key": "k", "value": 1, "tll": "s3cret" }), "body"),
        (json!(["s3cret"]), "body"),
    ] {
        let refused = server.post(DATA, &body).await.invalid(field);
        assert!(!refused.to_string().contains("s3cret"), "{refused}");
    }
    let broken = server.request(Method::POST, DATA).header("content-type", "application/json");
    let refused = Answer::of(broken.body("{\"key\":\"k\",\"value\":s3cret}")).await.invalid("body");
    assert!(!refused.to_string().contains("s3cret"), "{refused}");
    server.get(&format!("{DATA}?key=k")).await.refused(404, "NOT_FOUND");
    // The largest value still fits.
    server.post(DATA, &json!({ "key": "k", "value": "v".repeat(24_574) })).await.ok();
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_or_of_another_type_is_refused() {
    let server = Server::start().await;
    let spaces = format!("{}{{\"key\":\"k\",\"value\":1}}", " ".repeat(64 * 1024));
    let large = server.request(Method::POST, DATA).header("content-type", "application/json").body(spaces);
    Answer::of(large).await.refused(413, "PAYLOAD_TOO_LARGE");
    let path = format!("{ENTRY}?key=k");
    server.put(&path, vec![7; 24_577]).await.refused(413, "PAYLOAD_TOO_LARGE");
    server.put(&path, vec![7; 1 << 20]).await.refused(413, "PAYLOAD_TOO_LARGE");
    server.get(&path).await.refused(404, "NOT_FOUND");
    server.put(&path, vec![7; 24_576]).await.ok();
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let mut request = server.request(Method::POST, DATA).body("{\"key\":\"k\",\"value\":1}");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        Answer::of(request).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let keys: Vec<_> = (0..257).map(|at| format!("k{at}")).collect();
    server.post("/v1/kv/main/get-many", &json!({ "keys": keys })).await.invalid("keys");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_never_opens_a_binding_that_is_not_served() {
    let server = Server::start().await;
    let hidden = server.context.bindings().load_kv("hidden").await.expect("a handle");
    hidden.put("k", "s3cret", Default::default()).await.expect("stored");
    for binding in ["hidden", "nowhere", "main%2F..", "MAIN", "a%20b"] {
        for path in ["entry?key=k", "scan", "stream"] {
            server.get(&format!("/v1/kv/{binding}/{path}")).await.refused(404, "BINDING_NOT_FOUND");
        }
        let path = format!("/v1/kv/{binding}/entry?key=k");
        server.put(&path, "x").await.refused(404, "BINDING_NOT_FOUND");
        server.delete(&path).await.refused(404, "BINDING_NOT_FOUND");
    }
    assert_eq!(hidden.get_text("k").await.expect("read").as_deref(), Some("s3cret"));
    // Two bindings that are served do not see each other's keys.
    server.put("/v1/kv/other/entry?key=mine", "x").await.ok();
    server.get("/v1/kv/main/entry?key=mine").await.refused(404, "NOT_FOUND");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_are_not_there() {
    let server = Server::start().await;
    server.get("/v1/nothing").await.refused(404, "ROUTE_NOT_FOUND");
    let answer = server.get("/").await;
    answer.refused(404, "ROUTE_NOT_FOUND");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = Answer::of(server.request(Method::PATCH, DATA)).await;
    answer.refused(405, "METHOD_NOT_ALLOWED");
    let allowed = answer.header("allow").expect("what is allowed");
    for method in ["GET", "POST", "DELETE"] {
        assert!(allowed.contains(method), "{allowed}");
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_request_id_comes_back_and_another_is_replaced() {
    let server = Server::start().await;
    let asked = |id: &'static str| {
        let request = server.request(Method::GET, "/v1/operations/data?key=k").header("x-request-id", id);
        async {
            Answer::of(request).await.refused(404, "NOT_FOUND")["requestId"]
                .as_str()
                .expect("an id")
                .to_owned()
        }
    };
    assert_eq!(asked("trace-7_a.b").await, "trace-7_a.b");
    let new = asked("two words").await;
    assert_eq!(new.len(), 32, "{new}");
    assert_ne!(asked("two words").await, new);
    server.end().await;
}
