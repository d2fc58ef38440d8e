//! Rates of keys.

use crate::served::{Served, everything};

const GET: &str = "GET /v1/operations/data?key=k";

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let served = Served::with_keys().await;
    let key = served.key(everything().rate("3/h".parse().expect("a rate"))).await;
    let other = served.key(everything().rate("3/h".parse().expect("a rate"))).await;
    for left in ["2", "1", "0"] {
        let reply = served.ask(&key, GET, "").await.is(404);
        assert_eq!(reply.header("ratelimit-limit"), Some("3"));
        assert_eq!(reply.header("ratelimit-remaining"), Some(left));
        assert_eq!(reply.header("retry-after"), None);
        // One of three comes back in a third of an hour.
        let reset: u64 = reply.header("ratelimit-reset").expect("a reset").parse().expect("seconds");
        let spent = 3 - left.parse::<u64>().expect("a number");
        assert!((1_200 * spent - 10..=1_200 * spent).contains(&reset), "{reset} with {left} left");
    }
    let refused = served.ask(&key, "POST /v1/operations/data", r#"{"key":"k","value":1}"#).await.is(429);
    assert_eq!(refused.json()["error"], "RATE_LIMITED");
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    let wait: u64 = refused.header("retry-after").expect("a wait").parse().expect("seconds");
    assert!((1_190..=1_200).contains(&wait), "{wait}");
    let reset: u64 = refused.header("ratelimit-reset").expect("a reset").parse().expect("seconds");
    assert!((3_590..=3_600).contains(&reset), "{reset}");
    // Another key has its own, and nothing was done for this one.
    assert_eq!(served.ask(&other, GET, "").await.is(404).header("ratelimit-remaining"), Some("2"));
}

#[tokio::test]
async fn a_key_without_a_rate_is_told_of_none() {
    let served = Served::with_keys().await;
    let key = served.key(everything()).await;
    assert_eq!(served.ask(&key, GET, "").await.is(404).header("ratelimit-limit"), None);
}
