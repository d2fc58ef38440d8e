//! From its expiry on, an entry is absent in every operation.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt;
use larder_core::driver::Driver;
use larder_core::{
    Clock, ErrorKind, Kv, LATEST_EXPIRY, ManualClock, PutOptions, PutOutcome, ScanOptions, SystemClock,
    Timestamp, TouchOptions, TouchOutcome,
};

use crate::context::Context;
use crate::support::{entry, ms, secs, set, set_for, text};
use crate::wrap::{Counting, Hook, Method, Posing};

cases! {
    "expiry";
    reads_end_to_the_millisecond: T1 T2;
    conditions_end_to_the_millisecond: T1 T2 P1;
    counters_end_to_the_millisecond: T1 T2 C1;
    an_expired_entry_blocks_nothing_and_satisfies_nothing: T2 P2;
    the_remaining_lifetime_is_told: T6 T1;
    fractions_of_a_millisecond_round_up: T1;
    lifetimes_out_of_bounds_are_refused: T1;
    the_longest_lifetime_works: T1;
    a_put_without_a_lifetime_stays: T7;
    a_put_replaces_the_lifetime: T1 T7;
    now_is_the_clock_of_who_asks: T4;
    the_skew_is_measured: T4;
    reads_never_delete: T3;
}

/// In which ways of reading the key is there.
async fn sightings(kv: &Kv, key: &str) -> [bool; 8] {
    let page = kv.scan_page(key, ScanOptions::new()).await.expect("a page");
    let infos = kv.scan_keys_page(key, ScanOptions::new()).await.expect("a page");
    let many = kv.get_many([key]).await.expect("the batch works").remove(0).expect("the read works");
    let streamed: Vec<_> = kv.scan(key).try_collect().await.expect("the scan works");
    let collected = kv.scan_keys_collect(key, 10).await.expect("the scan works");
    [
        kv.get(key).await.expect("the read works").is_some(),
        kv.get_entry(key).await.expect("the read works").is_some(),
        kv.exists(key).await.expect("exists works"),
        page.items.len() == 1,
        infos.items.len() == 1,
        many.is_some(),
        streamed.len() == 1,
        collected.items.len() == 1,
    ]
}

async fn reads_end_to_the_millisecond(context: Context) {
    let kv = context.kv().await;
    for ttl in [1, 2, 999, 1_000, 1_001, 1_500, 60_000, 86_400_001] {
        let key = format!("k{ttl}-");
        set_for(&kv, &key, "value", ms(ttl)).await;
        assert_eq!(sightings(&kv, &key).await, [true; 8], "at once, of {ttl} ms");
        context.advance(ms(ttl - 1));
        assert_eq!(sightings(&kv, &key).await, [true; 8], "1 ms before the end of {ttl} ms");
        context.advance(ms(1));
        assert_eq!(sightings(&kv, &key).await, [false; 8], "at the end of {ttl} ms");
        context.advance(ms(100_000));
        assert_eq!(sightings(&kv, &key).await, [false; 8], "long after the end of {ttl} ms");
    }
}

async fn conditions_end_to_the_millisecond(context: Context) {
    let kv = context.kv().await;
    for (key, wait, lives) in [("before", ms(1_499), true), ("at", ms(1_500), false)] {
        let key = |what: &str| format!("{key}:{what}");
        let mut versions = Vec::new();
        for what in ["absent", "version", "touch", "touch-version", "delete"] {
            versions.push(set_for(&kv, &key(what), "old", ms(1_500)).await);
        }
        let [_, version, _, touched, deleted] = versions.try_into().expect("five versions");
        context.advance(wait);

        let put =
            kv.put(key("absent"), "new", PutOptions::new().if_not_exists()).await.expect("the put works");
        assert_eq!(put.is_stored(), !lives, "IfAbsent {key:?}", key = key("absent"));
        let put = PutOptions::new().if_version(version);
        let put = kv.put(key("version"), "new", put).await.expect("the put works");
        assert_eq!(put.is_stored(), lives, "IfVersion");
        let options = TouchOptions::expire_after(secs(60));
        let touch = kv.touch(key("touch"), options.clone()).await.expect("the touch works");
        assert_eq!(touch.is_touched(), lives, "touch");
        assert!(lives || touch == TouchOutcome::Absent, "an expired entry is touched as absent: {touch:?}");
        let touch =
            kv.touch(key("touch-version"), options.if_version(touched)).await.expect("the touch works");
        assert_eq!(touch.is_touched(), lives, "touch of a version");
        let delete = kv.delete_if_version(key("delete"), deleted).await.expect("the delete works");
        assert_eq!(delete.is_deleted(), lives, "delete of a version");

        let expected = |new: &str| lives.then(|| new.to_owned());
        let absent = text(&kv, &key("absent")).await;
        assert_eq!(absent.as_deref(), Some(if lives { "old" } else { "new" }));
        assert_eq!(text(&kv, &key("version")).await, expected("new"));
        assert_eq!(text(&kv, &key("touch")).await, expected("old"));
        assert_eq!(text(&kv, &key("touch-version")).await, expected("old"));
        assert_eq!(text(&kv, &key("delete")).await, None);
    }
}

async fn counters_end_to_the_millisecond(context: Context) {
    let kv = context.kv().await;
    for (wait, sum) in [(ms(1_499), 12), (ms(1_500), 2)] {
        kv.delete("counter").await.expect("the delete works");
        assert_eq!(kv.increment("counter", 10, ms(1_500)).await.expect("it adds"), 10);
        context.advance(wait);
        assert_eq!(kv.increment("counter", 2, secs(60)).await.expect("it adds"), sum);
        let ttl = entry(&kv, "counter").await.ttl();
        assert_eq!(ttl, Some(if sum == 2 { secs(60) } else { ms(1) }), "only a new counter gets the TTL");
    }
}

async fn an_expired_entry_blocks_nothing_and_satisfies_nothing(context: Context) {
    let kv = context.kv().await;
    for key in ["text", "number"] {
        let version = set_for(&kv, key, if key == "text" { "old" } else { "7" }, ms(5)).await;
        context.advance(secs(3_600));
        let options = PutOptions::new().if_version(version.clone());
        let stale = kv.put(key, "new", options).await.expect("the put works");
        assert!(!stale.is_stored(), "an expired version satisfied a put");
        assert!(stale.existing().is_none(), "an expired entry shows");
        // What no live counter could be is no hindrance once it has expired.
        assert_eq!(kv.increment(key, -1, ms(5)).await.expect("it adds"), -1, "{key}");
        context.advance(secs(3_600));
        let options = PutOptions::new().if_not_exists();
        let created = kv.put(key, "new", options.clone()).await.expect("the put works");
        assert!(created.is_stored(), "an expired entry blocked a create");
        let again = kv.put(key, "newer", options).await.expect("the put works");
        assert_eq!(again.existing().map(|entry| entry.value().clone()), Some("new".into()));
        let stale = kv.delete_if_version(key, version).await.expect("the delete works");
        assert!(!stale.is_deleted());
        assert_eq!(text(&kv, key).await.as_deref(), Some("new"));
    }
}

async fn the_remaining_lifetime_is_told(context: Context) {
    let kv = context.kv().await;
    set_for(&kv, "key", "value", ms(10_000)).await;
    let end = context.now().plus(ms(10_000)).to_system_time();
    for (passed, left) in [(0, 10_000), (1, 9_999), (7_654, 2_345), (2_344, 1)] {
        context.advance(ms(passed));
        let got = entry(&kv, "key").await;
        let many = kv.get_many(["key"]).await.expect("the batch works").remove(0);
        let many = many.expect("the read works").expect("it is there");
        let page = kv.scan_keys_page("", ScanOptions::new()).await.expect("a page");
        let info = page.into_entries().expect("entries").remove(0);
        for ttl in [got.ttl(), many.ttl(), info.ttl()] {
            assert_eq!(ttl, Some(ms(left)));
        }
        for moment in [got.expires_at(), many.expires_at(), info.expires_at()] {
            assert_eq!(moment, Some(end));
        }
    }
    set(&kv, "key", "value").await;
    let stays = entry(&kv, "key").await;
    assert_eq!((stays.ttl(), stays.expires_at()), (None, None::<SystemTime>));
}

async fn fractions_of_a_millisecond_round_up(context: Context) {
    let kv = context.kv().await;
    for nanos in [1, 999_999, 1_000_000] {
        set_for(&kv, "key", "value", Duration::from_nanos(nanos)).await;
        assert_eq!(entry(&kv, "key").await.ttl(), Some(ms(1)), "{nanos} ns");
    }
    set_for(&kv, "key", "value", Duration::from_nanos(1_000_001)).await;
    assert_eq!(entry(&kv, "key").await.ttl(), Some(ms(2)));
}

/// The longest TTL that an entry can get now.
fn longest(context: &Context) -> Duration {
    LATEST_EXPIRY.since(context.now())
}

async fn lifetimes_out_of_bounds_are_refused(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    let too_long = longest(&context) + ms(1);
    for ttl in [Duration::ZERO, too_long, too_long - Duration::from_nanos(1), Duration::MAX] {
        for error in [
            kv.put("key", "", PutOptions::new().ttl(ttl)).await.expect_err("put"),
            kv.put("key", "", PutOptions::new().ttl(ttl).if_not_exists()).await.expect_err("put"),
            kv.touch("key", TouchOptions::expire_after(ttl)).await.expect_err("touch"),
            kv.increment("key", 1, ttl).await.expect_err("increment"),
            kv.put_many([("key", "")], ttl).await.expect_err("put_many"),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            let limit = if ttl.is_zero() { "at least a millisecond" } else { "year 9999" };
            assert!(error.to_string().contains(limit), "{error}");
        }
    }
    assert_eq!(counting.total(), 0, "a request was sent");
}

async fn the_longest_lifetime_works(context: Context) {
    let kv = context.kv().await;
    let longest = longest(&context);
    set_for(&kv, "key", "value", longest).await;
    assert_eq!(kv.increment("counter", 1, longest).await.expect("it adds"), 1);
    context.advance(longest - ms(1));
    assert_eq!(entry(&kv, "key").await.ttl(), Some(ms(1)));
    assert_eq!(kv.increment("counter", 1, None).await.expect("it adds"), 2);
    context.advance(ms(1));
    assert_eq!(text(&kv, "key").await, None);
    assert_eq!(text(&kv, "counter").await, None);
    // Nothing with a lifetime can be made any more, but what stays can.
    set(&kv, "key", "value").await;
    assert_eq!(entry(&kv, "key").await.ttl(), None);
}

async fn a_put_without_a_lifetime_stays(context: Context) {
    let kv = context.kv().await;
    let version = set_for(&kv, "version", "old", secs(1)).await;
    for key in ["always", "many", "expired"] {
        set_for(&kv, key, "old", secs(1)).await;
    }
    set(&kv, "always", "new").await;
    crate::support::put(&kv, "version", "new", PutOptions::new().if_version(version)).await;
    kv.put_many([("many", "new")], None).await.expect("the batch works").remove(0).expect("the put works");
    context.advance(secs(1));
    crate::support::put(&kv, "expired", "new", PutOptions::new().if_not_exists()).await;
    // A hundred years.
    context.advance(secs(3_155_760_000));
    for key in ["always", "version", "many", "expired"] {
        let entry = entry(&kv, key).await;
        assert_eq!((&entry.value()[..], entry.ttl()), (&b"new"[..], None), "{key}");
    }
}

async fn a_put_replaces_the_lifetime(context: Context) {
    let kv = context.kv().await;
    set(&kv, "key", "1").await;
    for ttl in [10, 5, 20] {
        set_for(&kv, "key", "2", secs(ttl)).await;
        assert_eq!(entry(&kv, "key").await.ttl(), Some(secs(ttl)));
        context.advance(secs(1));
    }
    context.advance(secs(18));
    assert_eq!(entry(&kv, "key").await.ttl(), Some(secs(1)));
    context.advance(secs(1));
    assert_eq!(text(&kv, "key").await, None);
}

/// Behind a server, that is the server: a handle's own clock may be hours off.
async fn now_is_the_servers(context: &Context) {
    let kv = context.kv().await;
    for (hours, way) in [(48_u64, "ahead"), (48, "behind")] {
        let skew = secs(hours * 3_600).as_millis() as u64;
        let now = context.now().as_millis();
        let off = Timestamp::from_millis(if way == "ahead" { now + skew } else { now - skew });
        let clock = Arc::new(ManualClock::new(off));
        let handle = context.builder(context.driver().await).clock(clock).build();
        // The first operation of a handle is right already.
        let version = set_for(&handle, "key", way, ms(1_000)).await;
        let seen = entry(&kv, "key").await;
        assert_eq!((seen.ttl(), seen.version()), (Some(ms(1_000)), &version), "{way}");
        let own = entry(&handle, "key").await;
        assert_eq!((own.ttl(), own.version()), (Some(ms(1_000)), &version), "{way}");
        context.advance(ms(999));
        assert_eq!(sightings(&handle, "key").await, [true; 8], "{way}");
        context.advance(ms(1));
        assert_eq!(sightings(&handle, "key").await, [false; 8], "{way}");
        let swap = PutOptions::new().if_version(version);
        assert!(!handle.put("key", "swapped", swap).await.expect("the put works").is_stored(), "{way}");
        let lock = PutOptions::new().ttl(ms(1)).if_not_exists();
        assert!(handle.put("key", way, lock).await.expect("the put works").is_stored(), "{way}");
        let report = handle.check().await.expect("the check works");
        assert!(report.clock_is_within_bound(), "{way}: {report:?}");
        context.advance(ms(1));
    }
}

async fn now_is_the_clock_of_who_asks(context: Context) {
    if context.driver().await.clock().is_some() {
        return now_is_the_servers(&context).await;
    }
    let kv = context.kv().await;
    let ahead = Arc::new(ManualClock::new(context.now().plus(ms(1_500))));
    let fast = context.builder(context.driver().await).clock(Arc::clone(&ahead) as Arc<dyn Clock>).build();
    set_for(&kv, "key", "slow", ms(1_000)).await;
    assert!(kv.exists("key").await.expect("exists works"));
    assert_eq!(sightings(&fast, "key").await, [false; 8], "by the fast clock it has expired");
    let PutOutcome::Stored(_) = fast
        .put("key", "fast", PutOptions::new().ttl(ms(1_000)).if_not_exists())
        .await
        .expect("the put works")
    else {
        panic!("by the fast clock nothing is in the way");
    };
    assert_eq!(entry(&kv, "key").await.ttl(), Some(ms(2_500)), "the expiry is by the writer's clock");
    ahead.advance(ms(1_000));
    assert_eq!(text(&fast, "key").await, None);
    assert_eq!(text(&kv, "key").await.as_deref(), Some("fast"));
}

async fn the_skew_is_measured(context: Context) {
    for (server_ahead, skew, within) in [(0, 0, true), (2_000, -2_000, true), (2_001, -2_001, false)] {
        let server = context.now().plus(ms(server_ahead));
        let posing = Posing::new().server_time(server).ready();
        let report =
            context.handle(posing.over(context.driver().await)).check().await.expect("the check works");
        assert_eq!(report.clock_skew_millis, Some(skew));
        assert_eq!(report.clock_is_within_bound(), within, "{skew} ms");
    }
    let posing = Posing::new().server_time(context.now()).ready();
    context.advance(ms(2_001));
    let report = context.handle(posing.over(context.driver().await)).check().await.expect("the check works");
    assert_eq!(report.clock_skew_millis, Some(2_001), "positive when this process is ahead");
    assert!(!report.clock_is_within_bound());
    // The real store, by the real time.
    let kv = context.builder(context.driver().await).clock(Arc::new(SystemClock)).build();
    let report = kv.check().await.expect("the check works");
    assert!(report.clock_is_within_bound(), "the store's clock is off: {report:?}");
}

async fn reads_never_delete(context: Context) {
    let kv = context.kv().await;
    set_for(&kv, "key", "value", ms(1)).await;
    kv.increment("key:n", 1, ms(1)).await.expect("it adds");
    context.advance(secs(1));
    let counting = Counting::new();
    let reader = context.handle(counting.over(context.driver().await));
    assert_eq!(sightings(&reader, "key").await, [false; 8]);
    assert_eq!(sightings(&reader, "key:n").await, [false; 8]);
    for method in [Method::Write, Method::WriteBatch, Method::Increment, Method::Sweep] {
        assert_eq!(counting.calls(method), 0, "a read called {method:?}");
    }
}
