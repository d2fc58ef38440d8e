//! `get-many`, `put-many` and `delete-many`.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Server};

#[tokio::test(flavor = "multi_thread")]
async fn every_position_has_its_own_answer() {
    let server = Server::start().await;
    let put = json!({ "ttlMillis": 1_000, "entries": [
        { "key": "a", "value": { "n": 1.10 } },
        { "key": "b", "value": "AP8=", "encoding": "base64" },
        { "key": "a", "value": 2 },
    ] });
    let put = server.post("/v1/kv/main/put-many", &put).await.ok();
    assert_eq!(put["failed"], 0);
    let versions: Vec<_> =
        put["items"].as_array().expect("items").iter().map(|item| &item["version"]).collect();
    assert_eq!((versions.len(), versions[0]), (3, versions[2]));
    assert_eq!(server.get("/v1/kv/main/entry?key=b").await.bytes, [0, 255]);

    let get = |values: &str| json!({ "keys": ["b", "x", "a", "b"], "values": values });
    let got = server.post("/v1/kv/main/get-many", &get("json")).await.ok();
    assert_eq!(got["failed"], 0);
    assert_eq!((&got["items"][0]["value"], &got["items"][0]["encoding"]), (&json!("AP8="), &json!("base64")));
    assert_eq!(got["items"][1], json!({ "key": "x", "absent": true }));
    assert_eq!((&got["items"][2]["value"], &got["items"][2]["encoding"]), (&json!(2), &json!(null)));
    assert_eq!((&got["items"][2]["version"], &got["items"][2]["ttlMillis"]), (versions[0], &json!(1_000)));
    assert_eq!(got["items"][3], got["items"][0]);
    let got = server.post("/v1/kv/main/get-many", &get("base64")).await.ok();
    assert_eq!((&got["items"][2]["value"], &got["items"][2]["encoding"]), (&json!("Mg=="), &json!("base64")));

    // What a batch gives, a batch takes.
    let again =
        json!({ "entries": [{ "key": "c", "value": got["items"][0]["value"], "encoding": "base64" }] });
    server.post("/v1/kv/main/put-many", &again).await.ok();
    assert_eq!(server.get("/v1/kv/main/entry?key=c").await.bytes, [0, 255]);

    let gone = server.post("/v1/kv/main/delete-many", &json!({ "keys": ["a", "x"] })).await.ok();
    assert_eq!(gone, json!({ "items": [{ "key": "a" }, { "key": "x" }], "failed": 0 }));
    server.get("/v1/kv/main/entry?key=a").await.refused(404, "NOT_FOUND");
    assert_eq!(server.get("/v1/kv/main/entry?key=b").await.status, 200);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_position_is_named_and_nothing_is_done() {
    let server = Server::start().await;
    let put = |entries| json!({ "entries": entries });
    for (entries, field, position) in [
        (json!([{ "key": "a", "value": 1 }, { "key": "", "value": 2 }]), "entries", "item 1"),
        (
            json!([{ "key": "a", "value": 1 }, { "key": "b", "value": "?", "encoding": "base64" }]),
            "entries[1].value",
            "",
        ),
        (json!([{ "key": "a", "value": 1 }, { "key": "b" }]), "entries[1].value", ""),
        (json!([{ "key": "a", "value": "v".repeat(24_576) }]), "entries", "item 0"),
    ] {
        let refused = server.post("/v1/kv/main/put-many", &put(entries)).await.invalid(field);
        assert!(refused["message"].as_str().expect("text").contains(position), "{refused}");
    }
    server.get("/v1/kv/main/entry?key=a").await.refused(404, "NOT_FOUND");
    server.post("/v1/kv/main/get-many", &json!({ "keys": ["a", ""] })).await.invalid("keys");
    server.post("/v1/kv/main/delete-many", &json!({ "keys": [""] })).await.invalid("keys");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_ones_are_like_small_ones() {
    let server = Server::start().await;
    let keys: Vec<_> = (0..64).map(|at| format!("large:{at:02}")).collect();
    let value = |key: &str| json!(key.repeat(1_000));
    let entries: Vec<_> = keys.iter().map(|key| json!({ "key": key, "value": value(key) })).collect();
    let put = server.post("/v1/kv/main/put-many", &json!({ "entries": entries })).await.ok();
    assert_eq!((&put["failed"], put["items"].as_array().map(Vec::len)), (&json!(0), Some(64)));
    let got = server.post("/v1/kv/main/get-many", &json!({ "keys": keys, "values": "json" })).await.ok();
    let scanned = server.get("/v1/kv/main/scan?prefix=large:&values=json").await.ok();
    assert_eq!(got["items"], scanned["items"]);
    let plain = server.get("/v1/operations/data?prefix=large:").await.ok();
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(got["items"][at]["value"], value(key));
        assert_eq!(plain["items"][at]["value"], value(key));
    }
    // What is wrong in one is said with its place, too.
    let mut entries = entries;
    entries[63] = json!({ "key": "large:63", "value": "no base64", "encoding": "base64" });
    let refused = server.post("/v1/kv/main/put-many", &json!({ "entries": entries })).await;
    refused.invalid("entries[63].value");
    let text = json!({ "entries": entries }).to_string();
    let broken = server.request(Method::POST, "/v1/kv/main/put-many");
    let broken = broken.header("content-type", "application/json").body(text[..text.len() - 1].to_owned());
    Answer::of(broken).await.invalid("body");
    server.end().await;
}
