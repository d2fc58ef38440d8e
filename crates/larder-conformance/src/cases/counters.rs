//! Counters: decimal text that many add to.

use larder_core::{ErrorKind, Kv, PutOptions, TouchOptions};

use crate::context::Context;
use crate::support::{entry, ms, secs, set, set_for, text};

cases! {
    "counters";
    a_counter_begins_at_nothing: C1;
    every_addition_returns_its_own_sum: C1;
    a_counter_is_text: C1 V2;
    only_canonical_numbers_are_counters: C1;
    an_overflow_changes_nothing: C1;
    a_lifetime_is_set_on_creation_only: C1 T1;
    an_expired_counter_begins_anew: C1 T2;
    a_counter_is_an_entry_like_any_other: C1 P2 T5 S1;
    counters_stand_alone: C1 K5;
}

async fn add(kv: &Kv, key: &str, delta: i64) -> i64 {
    kv.increment(key, delta, None).await.expect("it adds")
}

async fn a_counter_begins_at_nothing(context: Context) {
    let kv = context.kv().await;
    for (key, delta) in [("up", 1), ("down", -1), ("zero", 0), ("far", i64::MAX), ("low", i64::MIN)] {
        assert_eq!(add(&kv, key, delta).await, delta, "{key}");
        assert_eq!(text(&kv, key).await, Some(delta.to_string()), "{key}");
        assert_eq!(entry(&kv, key).await.ttl(), None);
    }
}

async fn every_addition_returns_its_own_sum(context: Context) {
    let kv = context.kv().await;
    let mut sum = 0_i64;
    // Through zero, through many digits, and past what the counter remembers.
    for delta in [1, 1, -5, 3, 0, 100, -100, 999_999_999_999, -1, 7, -1_000_000_000_000, 12, 1, 1, 1, 1, 1] {
        sum += delta;
        assert_eq!(add(&kv, "counter", delta).await, sum);
        assert_eq!(text(&kv, "counter").await, Some(sum.to_string()));
    }
}

async fn a_counter_is_text(context: Context) {
    let kv = context.kv().await;
    for start in ["0", "41", "-1", "9223372036854775806", "-9223372036854775808"] {
        set(&kv, "counter", start).await;
        let number: i64 = start.parse().expect("a number");
        assert_eq!(add(&kv, "counter", 1).await, number + 1, "from {start}");
        assert_eq!(text(&kv, "counter").await, Some((number + 1).to_string()));
        let json: Option<i64> = kv.get_json("counter").await.expect("JSON");
        assert_eq!(json, Some(number + 1));
    }
    // Text again, and a counter again.
    set(&kv, "counter", "text").await;
    assert_eq!(text(&kv, "counter").await.as_deref(), Some("text"));
    set(&kv, "counter", "5").await;
    assert_eq!(add(&kv, "counter", -6).await, -1);
}

async fn only_canonical_numbers_are_counters(context: Context) {
    let kv = context.kv().await;
    let values: [&[u8]; 17] = [
        b"",
        b"-",
        b"+1",
        b"01",
        b"-01",
        b"00",
        b"1.0",
        b" 1",
        b"1 ",
        b"1\n",
        b"0x1",
        b"1e3",
        b"text",
        b"\xFF",
        b"\0",
        b"9223372036854775808",
        b"-9223372036854775809",
    ];
    for value in values {
        set_for(&kv, "key", value, secs(60)).await;
        let before = entry(&kv, "key").await;
        let error = kv.increment("key", 1, secs(5)).await.expect_err("no counter");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{value:?}: {error}");
        assert_eq!(entry(&kv, "key").await, before, "{value:?} was changed");
    }
    // By the contract's grammar, -0 is a number.
    set(&kv, "key", "-0").await;
    assert_eq!(add(&kv, "key", 0).await, 0);
}

async fn an_overflow_changes_nothing(context: Context) {
    let kv = context.kv().await;
    for (start, delta) in
        [(i64::MAX, 1), (i64::MAX, i64::MAX), (i64::MIN, -1), (i64::MIN, i64::MIN), (-2, i64::MIN + 1)]
    {
        for made_by_adding in [false, true] {
            kv.delete("key").await.expect("the delete works");
            if made_by_adding {
                assert_eq!(add(&kv, "key", start).await, start);
            } else {
                set(&kv, "key", start.to_string()).await;
            }
            let before = entry(&kv, "key").await;
            let error = kv.increment("key", delta, secs(5)).await.expect_err("an overflow");
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{start} + {delta}: {error}");
            assert_eq!(entry(&kv, "key").await, before, "{start} + {delta} changed something");
            // It goes on counting the other way.
            assert_eq!(add(&kv, "key", -start.signum()).await, start - start.signum());
        }
    }
}

async fn a_lifetime_is_set_on_creation_only(context: Context) {
    let kv = context.kv().await;
    assert_eq!(kv.increment("counter", 1, secs(60)).await.expect("it adds"), 1);
    context.advance(secs(20));
    for ttl in [Some(secs(600)), None, Some(ms(1))] {
        kv.increment("counter", 1, ttl).await.expect("it adds");
        assert_eq!(entry(&kv, "counter").await.ttl(), Some(secs(40)), "an addition changed the lifetime");
    }
    assert_eq!(add(&kv, "stays", 1).await, 1);
    kv.increment("stays", 1, secs(5)).await.expect("it adds");
    assert_eq!(entry(&kv, "stays").await.ttl(), None);
    set_for(&kv, "put", "5", secs(30)).await;
    kv.increment("put", 1, secs(500)).await.expect("it adds");
    assert_eq!(entry(&kv, "put").await.ttl(), Some(secs(30)));
}

async fn an_expired_counter_begins_anew(context: Context) {
    let kv = context.kv().await;
    for round in 0..3 {
        // A window of a rate limiter.
        for sum in 1..=12 {
            assert_eq!(kv.increment("window", 1, secs(60)).await.expect("it adds"), sum, "round {round}");
            context.advance(secs(5));
        }
        assert_eq!(text(&kv, "window").await, None);
    }
    set_for(&kv, "text", "no number", ms(1)).await;
    context.advance(ms(1));
    assert_eq!(
        kv.increment("text", 4, secs(9)).await.expect("it adds"),
        4,
        "what has expired is no hindrance"
    );
    assert_eq!(entry(&kv, "text").await.ttl(), Some(secs(9)));
    kv.increment("gone", 5, None).await.expect("it adds");
    kv.delete("gone").await.expect("the delete works");
    assert_eq!(kv.increment("gone", 5, secs(9)).await.expect("it adds"), 5);
    assert_eq!(entry(&kv, "gone").await.ttl(), Some(secs(9)));
}

async fn a_counter_is_an_entry_like_any_other(context: Context) {
    let kv = context.kv().await;
    add(&kv, "counter", 1).await;
    let version = entry(&kv, "counter").await.version().clone();
    add(&kv, "counter", 1).await;
    let stale = kv.put("counter", "9", PutOptions::new().if_version(version)).await.expect("the put works");
    assert!(!stale.is_stored(), "an addition is a write");
    assert_eq!(stale.existing().map(|entry| entry.value().clone()), Some("2".into()));
    assert!(
        !kv.put("counter", "9", PutOptions::new().if_not_exists()).await.expect("the put works").is_stored()
    );
    assert!(
        kv.touch("counter", TouchOptions::expire_after(secs(9))).await.expect("the touch works").is_touched()
    );
    assert_eq!(add(&kv, "counter", 1).await, 3, "a touch keeps the count");
    assert_eq!(entry(&kv, "counter").await.ttl(), Some(secs(9)));
    assert!(kv.exists("counter").await.expect("exists works"));
    let page = kv.scan_collect("", 10).await.expect("the scan works").into_entries().expect("entries");
    assert_eq!(page.iter().map(|entry| &entry.value()[..]).collect::<Vec<_>>(), [b"3"]);
    let many = kv.get_many(["counter"]).await.expect("the batch works").remove(0).expect("the read works");
    let version = many.expect("it is there").version().clone();
    assert!(kv.delete_if_version("counter", version).await.expect("the delete works").is_deleted());
    assert_eq!(add(&kv, "counter", 1).await, 1);
}

async fn counters_stand_alone(context: Context) {
    let kv = context.kv().await;
    let tenant = kv.with_prefix("tenant").expect("a namespace");
    for round in 1..=3 {
        assert_eq!(add(&kv, "a", 1).await, round);
        assert_eq!(add(&kv, "a/", 10).await, 10 * round);
        assert_eq!(add(&tenant, "a", 100).await, 100 * round);
    }
}
