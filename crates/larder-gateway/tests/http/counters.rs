//! `/v1/kv/{binding}/increment`.

use serde_json::json;

use crate::support::Server;

const INCREMENT: &str = "/v1/kv/main/increment";

#[tokio::test(flavor = "multi_thread")]
async fn counters_count_and_keep_the_lifetime_that_they_began_with() {
    let server = Server::start().await;
    let hit = json!({ "key": "hits", "ttlMillis": 60_000 });
    assert_eq!(server.post(INCREMENT, &hit).await.ok(), json!({ "key": "hits", "number": 1, "text": "1" }));
    server.advance(59_999);
    assert_eq!(server.post(INCREMENT, &hit).await.ok()["number"], 2);
    server.advance(1);
    assert_eq!(server.post(INCREMENT, &hit).await.ok()["number"], 1);
    let large = json!({ "key": "large", "delta": i64::MAX });
    assert_eq!(server.post(INCREMENT, &large).await.ok()["text"], i64::MAX.to_string());
    server.post(INCREMENT, &large).await.refused(409, "CONFLICT");
    assert_eq!(server.get("/v1/kv/main/entry?key=large").await.bytes, i64::MAX.to_string().as_bytes());
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_counter_stays_as_it_is() {
    let server = Server::start().await;
    server.put("/v1/kv/main/entry?key=word", "s3cret").await.ok();
    let refused = server.post(INCREMENT, &json!({ "key": "word" })).await.refused(409, "CONFLICT");
    assert!(!refused.to_string().contains("s3cret"), "{refused}");
    assert_eq!(server.get("/v1/kv/main/entry?key=word").await.bytes, b"s3cret");
    server.post(INCREMENT, &json!({ "key": "" })).await.invalid("key");
    server.post(INCREMENT, &json!({ "key": "k", "ttlMillis": 0 })).await.invalid("ttlMillis");
    server.post(INCREMENT, &json!({ "key": "k", "delta": 0.5 })).await.invalid("delta");
    server.post(INCREMENT, &json!({ "key": "k", "delta": 1e30 })).await.invalid("delta");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_one_of_many_at_once_gets_its_own_sum() {
    let server = Server::start().await;
    let requests = (0..64).map(|_| {
        let request = server.request(reqwest::Method::POST, INCREMENT).json(&json!({ "key": "n" }));
        tokio::spawn(async {
            crate::support::Answer::of(request).await.ok()["number"].as_i64().expect("a number")
        })
    });
    let mut sums = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        sums.push(request.await.expect("no panic"));
    }
    sums.sort_unstable();
    assert_eq!(sums, (1..=64).collect::<Vec<_>>());
    server.end().await;
}
