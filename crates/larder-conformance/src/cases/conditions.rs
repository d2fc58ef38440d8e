//! Conditions of writes: outcomes, and what they show.

use larder_core::{DeleteOutcome, Kv, PutOptions, PutOutcome, Seen};

use crate::context::Context;
use crate::support::{entry, put, secs, set, set_for, text};
use crate::wrap::{Counting, Hook, Method};

cases! {
    "conditions";
    always_is_the_default: P1;
    if_absent_creates_once: P1;
    if_version_replaces_that_version_only: P1 P2;
    a_delete_may_need_a_version: P2;
    what_stood_in_the_way_is_shown: P1 T6;
    a_condition_that_fails_changes_nothing: P1 P2;
    a_stored_put_returns_the_new_version: P1 P2;
    a_failed_condition_is_sent_once: P1 E4;
}

async fn always_is_the_default(context: Context) {
    let kv = context.kv().await;
    for value in ["1", "2", "2", "3"] {
        assert!(kv.put("key", value, PutOptions::default()).await.expect("the put works").is_stored());
        assert_eq!(text(&kv, "key").await.as_deref(), Some(value));
    }
}

async fn if_absent_creates_once(context: Context) {
    let kv = context.kv().await;
    let options = PutOptions::new().if_not_exists();
    assert!(kv.put("key", "1", options.clone()).await.expect("the put works").is_stored());
    for _ in 0..2 {
        let outcome = kv.put("key", "2", options.clone()).await.expect("a failed condition is no error");
        assert!(!outcome.is_stored() && outcome.version().is_none());
        assert_eq!(text(&kv, "key").await.as_deref(), Some("1"));
    }
    // An empty value is there as well.
    set(&kv, "empty", "").await;
    assert!(!kv.put("empty", "2", options.clone()).await.expect("the put works").is_stored());
    kv.delete("key").await.expect("the delete works");
    assert!(kv.put("key", "3", options).await.expect("the put works").is_stored());
    assert_eq!(text(&kv, "key").await.as_deref(), Some("3"));
}

async fn if_version_replaces_that_version_only(context: Context) {
    let kv = context.kv().await;
    let first = set(&kv, "key", "1").await;
    let second = put(&kv, "key", "2", PutOptions::new().if_version(first.clone())).await;
    let outcome = kv.put("key", "x", PutOptions::new().if_version(first)).await.expect("the put works");
    assert!(!outcome.is_stored(), "a version was used twice");
    assert_eq!(text(&kv, "key").await.as_deref(), Some("2"));
    let third = put(&kv, "key", "3", PutOptions::new().if_version(second).ttl(secs(9))).await;
    assert_eq!(entry(&kv, "key").await.version(), &third);
    kv.delete("key").await.expect("the delete works");
    let outcome = kv.put("key", "x", PutOptions::new().if_version(third)).await.expect("the put works");
    assert_eq!(outcome, PutOutcome::ConditionFailed(Seen::Absent));
    assert_eq!(text(&kv, "key").await, None, "a version made a key that is absent");
}

async fn a_delete_may_need_a_version(context: Context) {
    let kv = context.kv().await;
    let old = set(&kv, "key", "1").await;
    let new = set(&kv, "key", "2").await;
    let outcome = kv.delete_if_version("key", old).await.expect("a failed condition is no error");
    let DeleteOutcome::ConditionFailed(Seen::Entry(seen)) = outcome else {
        panic!("the entry in the way was not shown: {outcome:?}");
    };
    assert_eq!((&seen.value()[..], seen.version()), (&b"2"[..], &new));
    assert_eq!(text(&kv, "key").await.as_deref(), Some("2"));
    assert!(kv.delete_if_version("key", new.clone()).await.expect("the delete works").is_deleted());
    assert_eq!(text(&kv, "key").await, None);
    let again = kv.delete_if_version("key", new).await.expect("the delete works");
    assert_eq!(again, DeleteOutcome::ConditionFailed(Seen::Absent), "only one delete removed it");
}

async fn what_stood_in_the_way_is_shown(context: Context) {
    let kv = context.kv().await;
    let stale = set(&kv, "key", "old").await;
    let version = set_for(&kv, "key", "there", secs(50)).await;
    context.advance(secs(20));
    for options in [PutOptions::new().if_not_exists(), PutOptions::new().if_version(stale)] {
        let outcome = kv.put("key", "new", options).await.expect("the put works");
        let seen = outcome.existing().expect("the entry that stood in the way");
        assert_eq!((seen.key(), &seen.value()[..]), ("key", &b"there"[..]));
        assert_eq!((seen.version(), seen.ttl()), (&version, Some(secs(30))));
        // What was shown is good for the next condition.
        assert_eq!(seen, &entry(&kv, "key").await);
    }
}

/// The whole of what is under a key.
async fn facts(kv: &Kv, key: &str) -> larder_core::Entry {
    entry(kv, key).await
}

async fn a_condition_that_fails_changes_nothing(context: Context) {
    let kv = context.kv().await;
    let stale = set(&kv, "key", "1").await;
    set_for(&kv, "key", "2", secs(50)).await;
    let before = facts(&kv, "key").await;
    let options = PutOptions::new().ttl(secs(1));
    for options in [options.clone().if_not_exists(), options.if_version(stale.clone())] {
        let outcome = kv.put("key", "x", options).await.expect("the put works");
        assert!(!outcome.is_stored());
    }
    let touch = larder_core::TouchOptions::persist().if_version(stale.clone());
    assert!(!kv.touch("key", touch).await.expect("the touch works").is_touched());
    assert!(!kv.delete_if_version("key", stale).await.expect("the delete works").is_deleted());
    assert_eq!(facts(&kv, "key").await, before);
}

async fn a_stored_put_returns_the_new_version(context: Context) {
    let kv = context.kv().await;
    let mut version = put(&kv, "key", "0", PutOptions::new().if_not_exists()).await;
    for round in 1..=5 {
        assert_eq!(entry(&kv, "key").await.version(), &version, "round {round}");
        let options = PutOptions::new().if_version(version.clone());
        let options = if round % 2 == 0 { options.ttl(secs(round)) } else { options };
        let next = put(&kv, "key", format!("{round}"), options).await;
        assert_ne!(next, version);
        version = next;
    }
}

async fn a_failed_condition_is_sent_once(context: Context) {
    let stale = {
        let kv = context.kv().await;
        let stale = set(&kv, "key", "1").await;
        set(&kv, "key", "2").await;
        stale
    };
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    kv.exists("key").await.expect("exists works");
    for options in [PutOptions::new().if_not_exists(), PutOptions::new().if_version(stale)] {
        counting.reset();
        assert!(!kv.put("key", "3", options).await.expect("the put works").is_stored());
        assert_eq!(counting.calls(Method::Write), 1, "a failed condition was tried again");
        assert!(counting.total() <= 2, "one look at most, where the platform does not show what is there");
    }
}
