//! Puts and deletes, and what is left of them.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use larder_core::{Kv, PutOptions, TouchOptions};

use crate::context::Context;
use crate::support::{entry, keys, secs, set, set_for, text};
use crate::wrap::{Counting, Hook, Method};

cases! {
    "writes";
    a_put_replaces_all: P1 T7;
    a_delete_leaves_nothing: P2;
    a_write_is_one_request: P1 P2;
    what_was_acknowledged_survives_a_restart: P5 T1 C2;
    the_store_goes_on_after_a_restart: P5 P2 L1;
    a_dropped_write_is_whole_or_nothing: P4;
    a_dropped_batch_leaves_whole_entries: P4 B1;
}

async fn a_put_replaces_all(context: Context) {
    let kv = context.kv().await;
    assert_eq!(kv.increment("key", 5, secs(60)).await.expect("it adds"), 5);
    let values: [&[u8]; 4] = [b"text", b"", b"7", b"\xFF"];
    for value in values {
        set(&kv, "key", value).await;
        let entry = entry(&kv, "key").await;
        assert_eq!((&entry.value()[..], entry.ttl()), (value, None));
    }
    assert_eq!(keys(&kv, "").await, ["key"]);
}

async fn a_delete_leaves_nothing(context: Context) {
    let kv = context.kv().await;
    set(&kv, "key", "1").await;
    set(&kv, "key2", "1").await;
    for _ in 0..2 {
        kv.delete("key").await.expect("a delete succeeds, also of what is absent");
        assert_eq!(kv.get("key").await.expect("the read works"), None);
        assert!(!kv.exists("key").await.expect("exists works"));
        assert_eq!(keys(&kv, "").await, ["key2"]);
    }
    assert_eq!(kv.increment("key", 3, None).await.expect("it adds"), 3, "a counter starts from 0");
    kv.delete("key").await.expect("the delete works");
    crate::support::put(&kv, "key", "again", PutOptions::new().if_not_exists()).await;
    assert_eq!(text(&kv, "key").await.as_deref(), Some("again"));
}

async fn a_write_is_one_request(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    kv.exists("key").await.expect("exists works");
    counting.reset();
    set(&kv, "key", "1").await;
    set(&kv, "key", "2").await;
    let version = set_for(&kv, "key", "3", secs(9)).await;
    crate::support::put(&kv, "key", "4", PutOptions::new().if_version(version)).await;
    crate::support::put(&kv, "other", "1", PutOptions::new().if_not_exists()).await;
    kv.delete("other").await.expect("the delete works");
    kv.delete("other").await.expect("the delete works");
    let version = entry(&kv, "key").await.version().clone();
    assert!(kv.delete_if_version("key", version).await.expect("the delete works").is_deleted());
    assert_eq!(counting.calls(Method::Write), 8);
    assert_eq!(counting.total(), 9, "a write that met no trouble took more than one request");
}

/// Leaves something of every kind of write.
async fn write_all_kinds(kv: &Kv) {
    set(kv, "put", "1").await;
    set_for(kv, "lifetime", "2", secs(60)).await;
    set(kv, "empty", "").await;
    set(kv, "large", vec![9; larder_core::MAX_VALUE_BYTES]).await;
    set(kv, "deleted", "x").await;
    kv.delete("deleted").await.expect("the delete works");
    let version = set(kv, "replaced", "x").await;
    crate::support::put(kv, "replaced", "3", PutOptions::new().if_version(version)).await;
    set(kv, "touched", "4").await;
    kv.touch("touched", TouchOptions::expire_after(secs(30))).await.expect("the touch works");
    for sum in 1..=5 {
        assert_eq!(kv.increment("counter", 1, None).await.expect("it adds"), sum);
    }
    let many: Vec<String> = (0..60).map(|at| format!("many:{at:02}")).collect();
    crate::support::set_many(kv, &many).await;
    for result in kv.delete_many(&many[..50]).await.expect("the batch works") {
        result.expect("the delete works");
    }
}

async fn check_all_kinds(kv: &Kv) {
    for (key, value) in [("put", "1"), ("lifetime", "2"), ("empty", ""), ("replaced", "3"), ("touched", "4")]
    {
        assert_eq!(text(kv, key).await.as_deref(), Some(value), "{key}");
    }
    assert_eq!(entry(kv, "large").await.value().len(), larder_core::MAX_VALUE_BYTES);
    assert_eq!(text(kv, "deleted").await, None);
    assert_eq!(entry(kv, "lifetime").await.ttl(), Some(secs(60)));
    assert_eq!(entry(kv, "touched").await.ttl(), Some(secs(30)));
    assert_eq!(text(kv, "counter").await.as_deref(), Some("5"));
    let left: Vec<String> = (50..60).map(|at| format!("many:{at:02}")).collect();
    assert_eq!(keys(kv, "many:").await, left);
}

async fn what_was_acknowledged_survives_a_restart(context: Context) {
    {
        let kv = context.kv().await;
        write_all_kinds(&kv).await;
        check_all_kinds(&kv).await;
    }
    for _ in 0..2 {
        context.store().restart().await;
        check_all_kinds(&context.kv().await).await;
    }
}

async fn the_store_goes_on_after_a_restart(context: Context) {
    let (version, stale) = {
        let kv = context.kv().await;
        let stale = set(&kv, "key", "1").await;
        (set(&kv, "key", "2").await, stale)
    };
    for sum in 1..=3 {
        {
            let kv = context.kv().await;
            assert_eq!(kv.increment("counter", 1, None).await.expect("it adds"), sum);
            set(&kv, &format!("after:{sum}"), "").await;
        }
        context.store().restart().await;
    }
    let kv = context.kv().await;
    assert_eq!(keys(&kv, "after:").await, ["after:1", "after:2", "after:3"]);
    let put = kv.put("key", "3", PutOptions::new().if_version(stale)).await.expect("the put works");
    assert!(!put.is_stored(), "a version that was replaced before the restart holds after it");
    let put = kv.put("key", "3", PutOptions::new().if_version(version)).await.expect("the put works");
    assert!(put.is_stored(), "a version does not outlive a restart");
}

/// Polls a future that many times, and drops it.
async fn poll_and_drop(mut work: Pin<Box<dyn Future<Output = ()> + Send>>, polls: usize) {
    for _ in 0..polls {
        let done = poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_ready())).await;
        if done {
            return;
        }
        crate::support::next_turn().await;
    }
}

async fn a_dropped_write_is_whole_or_nothing(context: Context) {
    let kv = context.kv().await;
    set(&kv, "warm", "").await;
    for polls in [0, 1, 1, 1, 2, 2, 3, 5, 8, 20] {
        set(&kv, "put", "old").await;
        set(&kv, "touch", "old").await;
        set(&kv, "delete", "old").await;
        kv.put("counter", "10", PutOptions::new()).await.expect("the put works");
        let options = PutOptions::new().ttl(secs(60));
        let writer = kv.clone();
        poll_and_drop(Box::pin(async move { drop(writer.put("put", "new", options).await) }), polls).await;
        let writer = kv.clone();
        let options = TouchOptions::expire_after(secs(60));
        poll_and_drop(Box::pin(async move { drop(writer.touch("touch", options).await) }), polls).await;
        let writer = kv.clone();
        poll_and_drop(Box::pin(async move { drop(writer.delete("delete").await) }), polls).await;
        let writer = kv.clone();
        poll_and_drop(Box::pin(async move { drop(writer.increment("counter", 5, None).await) }), polls).await;

        let put = entry(&kv, "put").await;
        let put = (String::from_utf8_lossy(put.value()).into_owned(), put.ttl());
        assert!(
            [("old".to_owned(), None), ("new".to_owned(), Some(secs(60)))].contains(&put),
            "half a put: {put:?}"
        );
        let touch = entry(&kv, "touch").await;
        assert_eq!(&touch.value()[..], b"old");
        assert!([None, Some(secs(60))].contains(&touch.ttl()), "half a touch: {touch:?}");
        let deleted = text(&kv, "delete").await;
        assert!([None, Some("old")].contains(&deleted.as_deref()), "half a delete: {deleted:?}");
        let sum = text(&kv, "counter").await;
        assert!([Some("10"), Some("15")].contains(&sum.as_deref()), "half an addition: {sum:?}");
        // The counter still counts.
        let sum = kv.increment("counter", 1, None).await.expect("it adds");
        assert!([11, 16].contains(&sum), "the counter is {sum}");
    }
}

async fn a_dropped_batch_leaves_whole_entries(context: Context) {
    let kv = context.kv().await;
    set(&kv, "warm", "").await;
    for polls in [0, 1, 2, 3, 5, 9] {
        let keys: Vec<String> = (0..40).map(|at| format!("{polls}:{at}")).collect();
        for result in kv.put_many(keys.iter().map(|key| (key, "old")), None).await.expect("the batch works") {
            result.expect("the put works");
        }
        let (writer, entries) = (kv.clone(), keys.clone());
        let work =
            async move { drop(writer.put_many(entries.iter().map(|key| (key, "new")), secs(9)).await) };
        poll_and_drop(Box::pin(work), polls).await;
        for found in kv.get_many(&keys).await.expect("the batch works") {
            let entry = found.expect("the read works").expect("it is there");
            let whole = match &entry.value()[..] {
                b"old" => entry.ttl().is_none(),
                b"new" => entry.ttl() == Some(secs(9)),
                _ => false,
            };
            assert!(whole, "half an entry: {entry:?}");
        }
    }
}
