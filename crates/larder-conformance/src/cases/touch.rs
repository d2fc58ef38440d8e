//! Touching: a new lifetime for the same value.

use larder_core::{Seen, TouchOptions, TouchOutcome};

use crate::context::Context;
use crate::support::{entry, ms, secs, set, set_for, text};
use crate::wrap::{Counting, Hook, Method};

cases! {
    "touch";
    a_touch_sets_the_lifetime: T5 T1;
    a_touch_takes_the_lifetime_away: T5;
    a_touch_keeps_the_value: T5 V1;
    a_touch_is_a_write: T5 P2;
    a_touch_may_need_a_version: T5 P1 P2;
    what_is_absent_is_reported_absent: T5 T2;
    a_touch_is_one_write_without_the_value: T5;
}

async fn a_touch_sets_the_lifetime(context: Context) {
    let kv = context.kv().await;
    set(&kv, "stays", "value").await;
    set_for(&kv, "ends", "value", secs(10)).await;
    for key in ["stays", "ends"] {
        for ttl in [ms(60_001), ms(3)] {
            let outcome = kv.touch(key, TouchOptions::expire_after(ttl)).await.expect("the touch works");
            assert!(outcome.is_touched());
            assert_eq!(entry(&kv, key).await.ttl(), Some(ttl), "{key}");
        }
    }
    context.advance(ms(2));
    assert_eq!(text(&kv, "ends").await.as_deref(), Some("value"));
    context.advance(ms(1));
    assert_eq!(text(&kv, "ends").await, None);
    assert_eq!(text(&kv, "stays").await, None);
}

async fn a_touch_takes_the_lifetime_away(context: Context) {
    let kv = context.kv().await;
    set_for(&kv, "key", "value", secs(1)).await;
    assert!(kv.touch("key", TouchOptions::persist()).await.expect("the touch works").is_touched());
    assert_eq!(entry(&kv, "key").await.ttl(), None);
    context.advance(secs(1_000_000_000));
    assert_eq!(text(&kv, "key").await.as_deref(), Some("value"));
}

async fn a_touch_keeps_the_value(context: Context) {
    let kv = context.kv().await;
    let large = vec![0xA5_u8; larder_core::MAX_VALUE_BYTES];
    for (key, value) in [("empty", &b""[..]), ("zero", b"\0"), ("number", b"12"), ("large", &large)] {
        set(&kv, key, value).await;
        for options in [TouchOptions::expire_after(secs(9)), TouchOptions::persist()] {
            assert!(kv.touch(key, options).await.expect("the touch works").is_touched());
            assert!(entry(&kv, key).await.value() == value, "{key} has changed");
        }
    }
    assert_eq!(kv.increment("number", 1, None).await.expect("it adds"), 13);
}

async fn a_touch_is_a_write(context: Context) {
    let kv = context.kv().await;
    let first = set(&kv, "key", "value").await;
    let mut seen = vec![first.clone()];
    for _ in 0..3 {
        // The same lifetime again is a write as well.
        let outcome = kv.touch("key", TouchOptions::persist()).await.expect("the touch works");
        let version = outcome.version().expect("a touch returns the new version").clone();
        assert!(!seen.contains(&version), "a touch left the version as it was");
        assert_eq!(entry(&kv, "key").await.version(), &version);
        seen.push(version);
    }
    let stale = kv.delete_if_version("key", first).await.expect("the delete works");
    assert!(!stale.is_deleted(), "the version from before the touch still holds");
    let last = seen.pop().expect("versions");
    assert!(kv.delete_if_version("key", last).await.expect("the delete works").is_deleted());
}

async fn a_touch_may_need_a_version(context: Context) {
    let kv = context.kv().await;
    let old = set(&kv, "key", "1").await;
    let new = set_for(&kv, "key", "2", secs(100)).await;
    let options = TouchOptions::expire_after(secs(7));
    let outcome = kv.touch("key", options.clone().if_version(old)).await.expect("the touch works");
    let TouchOutcome::ConditionFailed(Seen::Entry(seen)) = outcome else {
        panic!("the entry in the way was not shown: {outcome:?}");
    };
    assert_eq!((&seen.value()[..], seen.version()), (&b"2"[..], &new));
    assert_eq!(entry(&kv, "key").await.ttl(), Some(secs(100)), "a touch that failed changed something");
    let outcome = kv.touch("key", options.if_version(new)).await.expect("the touch works");
    assert!(outcome.is_touched());
    assert_eq!(entry(&kv, "key").await.ttl(), Some(secs(7)));
}

async fn what_is_absent_is_reported_absent(context: Context) {
    let kv = context.kv().await;
    let version = set(&kv, "deleted", "value").await;
    kv.delete("deleted").await.expect("the delete works");
    set_for(&kv, "expired", "value", ms(1)).await;
    context.advance(ms(1));
    for key in ["never", "deleted", "expired"] {
        for options in [TouchOptions::persist(), TouchOptions::expire_after(secs(60))] {
            let outcome = kv.touch(key, options).await.expect("the touch works");
            assert_eq!(outcome, TouchOutcome::Absent, "{key}");
        }
        assert_eq!(text(&kv, key).await, None, "a touch made {key} live");
    }
    let outcome =
        kv.touch("deleted", TouchOptions::persist().if_version(version)).await.expect("the touch works");
    assert_eq!(outcome, TouchOutcome::Absent);
}

async fn a_touch_is_one_write_without_the_value(context: Context) {
    let version = set(&context.kv().await, "key", vec![1; 10_000]).await;
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    kv.exists("key").await.expect("exists works");
    counting.reset();
    let options = TouchOptions::expire_after(secs(60)).if_version(version);
    assert!(kv.touch("key", options).await.expect("the touch works").is_touched());
    assert_eq!((counting.calls(Method::Write), counting.total()), (1, 1), "a version needs no read");
    assert!(kv.touch("key", TouchOptions::persist()).await.expect("the touch works").is_touched());
    // Without a version the platform may need a read first, but not more.
    assert!(counting.total() <= 4, "{} requests", counting.total());
}
