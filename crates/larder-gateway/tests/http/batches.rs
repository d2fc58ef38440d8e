//! `get-many`, `put-many` and `delete-many`.

use serde_json::json;

use crate::support::Server;

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
