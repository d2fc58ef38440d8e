//! `/v1/operations/data`.

use serde_json::json;

use crate::support::Server;

const DATA: &str = "/v1/operations/data";

#[tokio::test(flavor = "multi_thread")]
async fn any_json_comes_back_as_it_was_written() {
    let server = Server::start().await;
    for (at, value) in [
        "null",
        "false",
        "0",
        "-0.0",
        "12345678901234567890.10",
        "\"\"",
        "\"\\u0000ä\"",
        "[ 1, {} ]",
        "{\"b\": 1, \"a\": 2}",
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!("{{\"key\":\"k:{at}\",\"value\":{value}}}");
        let request = server
            .request(reqwest::Method::POST, DATA)
            .header("content-type", "application/json; charset=utf-8");
        let put = crate::support::Answer::of(request.body(body)).await.ok();
        assert_eq!(put, json!({ "key": format!("k:{at}"), "stored": true }));
        let got = server.get(&format!("{DATA}?key=k:{at}")).await;
        assert_eq!(got.status, 200);
        let text = String::from_utf8(got.bytes).expect("text");
        assert_eq!(text, format!("{{\"key\":\"k:{at}\",\"value\":{value}}}"));
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_json_come_as_base64() {
    let server = Server::start().await;
    let kv = server.context.bindings().load_kv("main").await.expect("a handle");
    kv.put("greeting", "hello", Default::default()).await.expect("stored");
    let got = server.get(&format!("{DATA}?key=greeting")).await.ok();
    assert_eq!(got, json!({ "key": "greeting", "value": "aGVsbG8=", "encoding": "base64" }));
    let page = server.get(&format!("{DATA}?prefix=greet")).await.ok();
    assert_eq!(page["items"][0], got);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lifetime_in_seconds_ends_to_the_millisecond() {
    let server = Server::start().await;
    server.post(DATA, &json!({ "key": "k", "value": 1, "ttl": 1.5 })).await.ok();
    let got = server.get(&format!("{DATA}?key=k")).await.ok();
    assert_eq!(got["expiresAt"], "2026-01-01T00:00:01.500Z");
    server.advance(1_499);
    server.get(&format!("{DATA}?key=k")).await.ok();
    server.advance(1);
    server.get(&format!("{DATA}?key=k")).await.refused(404, "NOT_FOUND");
    assert_eq!(server.get(&format!("{DATA}?prefix=")).await.ok()["items"], json!([]));
    // What has expired does not stand in the way, and what is put without a lifetime stays.
    let again = server.post(DATA, &json!({ "key": "k", "value": 2, "ifNotExists": true })).await.ok();
    assert_eq!(again["stored"], true);
    server.advance(1 << 40);
    assert_eq!(server.get(&format!("{DATA}?key=k")).await.ok(), json!({ "key": "k", "value": 2 }));
    for ttl in [json!(0), json!(-1), json!(1e300), json!("60"), json!(250_000_000_001_u64)] {
        server.post(DATA, &json!({ "key": "k", "value": 3, "ttl": ttl })).await.invalid("ttl");
    }
    assert_eq!(server.get(&format!("{DATA}?key=k")).await.ok()["value"], 2);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_must_create_says_whether_it_did() {
    let server = Server::start().await;
    let put = |value: u32| json!({ "key": "lock", "value": value, "ifNotExists": true });
    assert_eq!(server.post(DATA, &put(1)).await.ok()["stored"], true);
    assert_eq!(server.post(DATA, &put(2)).await.ok()["stored"], false);
    assert_eq!(server.get(&format!("{DATA}?key=lock")).await.ok()["value"], 1);
    assert_eq!(server.delete(&format!("{DATA}?key=lock")).await.ok(), json!({ "key": "lock" }));
    assert_eq!(server.delete(&format!("{DATA}?key=lock")).await.ok(), json!({ "key": "lock" }));
    server.get(&format!("{DATA}?key=lock")).await.refused(404, "NOT_FOUND");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_where_the_last_one_ended() {
    let server = Server::start().await;
    for at in 0..5 {
        server.post(DATA, &json!({ "key": format!("p:{at}"), "value": at })).await.ok();
    }
    server.post(DATA, &json!({ "key": "q", "value": "not under the prefix" })).await.ok();
    let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = server.get(&format!("{DATA}?prefix=p:&limit=2{cursor}")).await.ok();
        pages += 1;
        seen.extend(page["items"].as_array().expect("items").iter().map(|item| item["value"].clone()));
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((seen, pages), (vec![json!(0), json!(1), json!(2), json!(3), json!(4)], 3));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_or_a_prefix_and_not_both() {
    let server = Server::start().await;
    server.get(DATA).await.invalid("key");
    server.get(&format!("{DATA}?key=a&prefix=a")).await.invalid("prefix");
    server.get(&format!("{DATA}?key=a&limit=1")).await.invalid("limit");
    server.get(&format!("{DATA}?key=a&cursor=x")).await.invalid("cursor");
    server.get(&format!("{DATA}?prefix=a&cursor=x")).await.invalid("cursor");
    server.get(&format!("{DATA}?prefix=a&limit=0")).await.invalid("limit");
    server.get(&format!("{DATA}?prefix=a&limit=1001")).await.invalid("limit");
    server.get(&format!("{DATA}?key=")).await.invalid("key");
    server.delete(DATA).await.invalid("key");
    server.end().await;
}
