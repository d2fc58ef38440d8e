//! `/v1/kv/{binding}/entry` and `touch`.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Server};

const ENTRY: &str = "/v1/kv/main/entry";
const TOUCH: &str = "/v1/kv/main/touch";

#[tokio::test(flavor = "multi_thread")]
async fn bytes_come_back_byte_for_byte_with_version_and_lifetime() {
    let server = Server::start().await;
    let all: Vec<u8> = (0..=255).collect();
    let path = format!("{ENTRY}?key=k");
    let put = server.put(&format!("{path}&ttlMillis=1500"), all.clone()).await;
    let version = put.ok()["version"].as_str().expect("a version").to_owned();
    assert_eq!(put.header("etag"), Some(format!("\"{version}\"").as_str()));
    server.advance(500);
    for method in [Method::GET, Method::HEAD] {
        let got = Answer::of(server.request(method.clone(), &path)).await;
        assert_eq!(got.status, 200, "{method}");
        assert_eq!(got.header("etag"), put.header("etag"), "{method}");
        assert_eq!(got.header("larder-ttl-millis"), Some("1000"), "{method}");
        assert_eq!(got.header("content-length"), Some("256"), "{method}");
        assert_eq!(got.header("content-type"), Some("application/octet-stream"), "{method}");
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"), "{method}");
        assert_eq!(got.header("cache-control"), Some("private, no-cache"), "{method}");
        let expected = if method == Method::GET { &all[..] } else { &[] };
        assert_eq!(got.bytes, expected, "{method}");
    }
    server.advance(1_000);
    server.get(&path).await.refused(404, "NOT_FOUND");
    assert_eq!(Answer::of(server.request(Method::HEAD, &path)).await.status, 404);
    let put = server.put(&path, "").await;
    put.ok();
    let got = server.get(&path).await;
    assert_eq!((got.status, got.bytes.len(), got.header("larder-ttl-millis")), (200, 0, None));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_works() {
    let server = Server::start().await;
    let keys = [
        "a/b",
        ".",
        "..",
        "../x",
        "a?b&c=d#e",
        "a b+c",
        "100%",
        "%41",
        "ä",
        "__x__",
        "\n",
        "\u{0}",
        "'",
        "~",
    ];
    for key in keys {
        let request = |method| server.request(method, ENTRY).query(&[("key", key)]);
        let put = Answer::of(request(Method::PUT).body(key)).await;
        assert_eq!(put.ok()["key"], key);
    }
    for key in keys {
        let got = Answer::of(server.request(Method::GET, ENTRY).query(&[("key", key)])).await;
        assert_eq!((got.status, got.bytes.as_slice()), (200, key.as_bytes()), "{key:?}");
    }
    server.get(&format!("{ENTRY}?key=%FF")).await.invalid("query");
    server.get(&format!("{ENTRY}?key=a&key=b")).await.invalid("key");
    server.get(ENTRY).await.invalid("key");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_hold_or_nothing_changes() {
    let server = Server::start().await;
    let path = format!("{ENTRY}?key=k");
    let put = |value: &'static str, name: &'static str, condition: String| {
        Answer::of(server.request(Method::PUT, &path).header(name, condition).body(value))
    };
    let first = put("1", "if-none-match", "*".into()).await;
    first.ok();
    let first = first.header("etag").expect("a version").to_owned();
    let refused = put("2", "if-none-match", "*".into()).await;
    let body = refused.refused(412, "PRECONDITION_FAILED");
    assert_eq!((refused.header("etag"), &body["details"]["seen"]), (Some(first.as_str()), &json!("entry")));
    assert!(!body.to_string().contains("\"1\""), "{body}");
    let second = put("2", "if-match", first.clone()).await;
    second.ok();
    let second = second.header("etag").expect("a version").to_owned();
    assert_ne!(first, second);
    put("3", "if-match", first.clone()).await.refused(412, "PRECONDITION_FAILED");
    assert_eq!(server.get(&path).await.bytes, b"2");

    let delete = |tag: String| Answer::of(server.request(Method::DELETE, &path).header("if-match", tag));
    delete(first.clone()).await.refused(412, "PRECONDITION_FAILED");
    assert_eq!(delete(second.clone()).await.status, 204);
    let gone = put("4", "if-match", second.clone()).await.refused(412, "PRECONDITION_FAILED");
    assert_eq!(gone["details"]["seen"], "absent");
    assert_eq!(server.delete(&path).await.status, 204);

    for (name, wrong) in
        [("if-match", "*"), ("if-match", "\"x\""), ("if-match", "x"), ("if-none-match", "\"x\"")]
    {
        let shown = if name == "if-match" { "If-Match" } else { "If-None-Match" };
        put("5", name, wrong.into()).await.invalid(shown);
    }
    // A version of another key is refused, and does not quietly fail to match.
    let other = server.put(&format!("{ENTRY}?key=other"), "x").await;
    put("5", "if-match", other.header("etag").expect("a version").into()).await.invalid("If-Match");
    server.get(&path).await.refused(404, "NOT_FOUND");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_the_version_gets_304() {
    let server = Server::start().await;
    let path = format!("{ENTRY}?key=k");
    let tag = server.put(&path, "x").await.header("etag").expect("a version").to_owned();
    let get = |known: String| Answer::of(server.request(Method::GET, &path).header("if-none-match", known));
    for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
        let answer = get(known).await;
        assert_eq!((answer.status, answer.bytes.len()), (304, 0));
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
    }
    server.put(&path, "y").await.ok();
    assert_eq!(get(tag).await.bytes, b"y");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_had_by_asking_for_it() {
    let server = Server::start().await;
    let path = format!("{ENTRY}?key=k");
    let text = "{\"a\": 1.10,\n \"b\": [ ]}";
    let put = |body: &'static str| {
        Answer::of(server.request(Method::PUT, &path).header("content-type", "application/json").body(body))
    };
    put(text).await.ok();
    let get = |accept: &'static str| Answer::of(server.request(Method::GET, &path).header("accept", accept));
    let got = get("application/json").await;
    assert_eq!(
        (got.header("content-type"), got.bytes.as_slice()),
        (Some("application/json"), text.as_bytes())
    );
    for accept in ["*/*", "application/octet-stream", "text/html,application/json;q=0.9"] {
        let got = get(accept).await;
        assert_eq!(got.header("content-type"), Some("application/octet-stream"), "{accept}");
        assert_eq!(got.bytes, text.as_bytes());
    }
    put("{not json").await.invalid("body");
    server.put(&path, "not json").await.ok();
    get("application/json").await.refused(406, "NOT_ACCEPTABLE");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn touch_gives_another_lifetime() {
    let server = Server::start().await;
    let path = format!("{ENTRY}?key=k");
    let touch = |ttl: serde_json::Value| json!({ "key": "k", "ttlMillis": ttl });
    server.post(TOUCH, &touch(json!(10))).await.refused(404, "NOT_FOUND");
    let first =
        server.put(&format!("{path}&ttlMillis=10"), "x").await.header("etag").expect("a version").to_owned();
    let touched = server.post(TOUCH, &touch(json!(2_000))).await;
    touched.ok();
    let second = touched.header("etag").expect("a version").to_owned();
    assert_ne!(first, second);
    assert_eq!(server.get(&path).await.header("larder-ttl-millis"), Some("2000"));
    let if_match = |tag: &str, ttl| {
        Answer::of(server.request(Method::POST, TOUCH).header("if-match", tag).json(&touch(ttl)))
    };
    if_match(&first, json!(1)).await.refused(412, "PRECONDITION_FAILED");
    if_match(&second, json!(null)).await.ok();
    assert_eq!(server.get(&path).await.header("larder-ttl-millis"), None);
    server.post(TOUCH, &json!({ "key": "k" })).await.invalid("ttlMillis");
    server.post(TOUCH, &touch(json!(0))).await.invalid("ttlMillis");
    server.post(TOUCH, &touch(json!(u64::MAX))).await.invalid("ttlMillis");
    server.put(&format!("{path}&ttlMillis=0"), "y").await.invalid("ttlMillis");
    assert_eq!(server.get(&path).await.bytes, b"x");
    server.end().await;
}
