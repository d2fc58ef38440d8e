//! Removing what has expired, and nothing else.

use std::sync::Arc;

use larder_core::driver::{Driver, LayoutKeeper, Projection, Read, Reaper};
use larder_core::{Consistency, Kv, PutOptions, SweepOutcome, TouchOptions};

use crate::context::Context;
use crate::support::{entry, keys, ms, secs, set, set_for, text};

cases! {
    "sweeps";
    a_sweep_removes_the_expired_and_nothing_else: T3;
    a_sweep_goes_by_the_present_expiry: T3 T5 T7;
    a_sweep_never_removes_a_fresh_write: T3;
    counters_stay_right_across_sweeps: T3 C1;
    many_expired_entries_are_swept: T3;
    one_process_sweeps_at_a_time: T3;
}

/// Sweeps, and returns how many were removed; `None` where the platform does it in its own time.
async fn swept(kv: &Kv) -> Option<usize> {
    match kv.sweep().await.expect("the sweep works") {
        SweepOutcome::Swept { removed } => Some(removed),
        SweepOutcome::DoneByPlatform => None,
        SweepOutcome::InProgressElsewhere => panic!("nobody else sweeps"),
    }
}

async fn is_stored(context: &Context, key: &str) -> bool {
    let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
    let driver: Arc<dyn Driver> = context.driver().await;
    driver.get(&context.row(key).await, read).await.expect("the read works").is_some()
}

async fn a_sweep_removes_the_expired_and_nothing_else(context: Context) {
    let kv = context.kv().await;
    let tenant = kv.with_prefix("tenant").expect("a namespace");
    for kv in [&kv, &tenant] {
        set_for(kv, "ended", "1", ms(999)).await;
        set_for(kv, "ending", "1", ms(1_000)).await;
        set_for(kv, "lives", "1", ms(1_001)).await;
        set(kv, "stays", "1").await;
        kv.increment("counter", 1, ms(500)).await.expect("it adds");
    }
    assert!(swept(&kv).await.is_none_or(|removed| removed == 0), "nothing has expired");
    context.advance(ms(1_000));
    if let Some(removed) = swept(&kv).await {
        assert_eq!(removed, 6);
        for key in ["ended", "ending", "counter", "tenant:ended", "tenant:ending", "tenant:counter"] {
            assert!(!is_stored(&context, key).await, "{key} is still stored");
        }
        assert_eq!(swept(&kv).await, Some(0));
    }
    assert_eq!(keys(&kv, "").await, ["lives", "stays", "tenant:lives", "tenant:stays"]);
    // The layout is there still.
    assert_eq!(keys(&context.kv().await, "s").await, ["stays"]);
}

async fn a_sweep_goes_by_the_present_expiry(context: Context) {
    let kv = context.kv().await;
    for key in ["put", "put-many", "longer", "persisted", "recreated", "conditional", "shorter"] {
        set_for(&kv, key, "old", secs(1)).await;
    }
    set(&kv, "put", "new").await;
    kv.put_many([("put-many", "new")], None)
        .await
        .expect("the batch works")
        .remove(0)
        .expect("the put works");
    kv.touch("longer", TouchOptions::expire_after(secs(100))).await.expect("the touch works");
    kv.touch("persisted", TouchOptions::persist()).await.expect("the touch works");
    kv.delete("recreated").await.expect("the delete works");
    set_for(&kv, "recreated", "new", secs(100)).await;
    let version = entry(&kv, "conditional").await.version().clone();
    crate::support::put(&kv, "conditional", "new", PutOptions::new().if_version(version)).await;
    kv.touch("shorter", TouchOptions::expire_after(ms(1))).await.expect("the touch works");
    context.advance(ms(1));
    assert!(swept(&kv).await.is_none_or(|removed| removed == 1), "only one has expired");
    context.advance(secs(10));
    assert!(swept(&kv).await.is_none_or(|removed| removed == 0), "all that is left lives");
    assert_eq!(
        keys(&kv, "").await,
        ["conditional", "longer", "persisted", "put", "put-many", "recreated"],
        "a sweep removed what lives"
    );
}

/// While the entries expire and are swept, they are written anew; whatever was written fresh must stay.
async fn a_sweep_never_removes_a_fresh_write(context: Context) {
    const KEYS: usize = 60;
    let kv = context.kv().await;
    for round in 0..4 {
        let keys: Vec<String> = (0..KEYS).map(|at| format!("{round}:{at:03}")).collect();
        let old = kv.put_many(keys.iter().map(|key| (key, "old")), ms(5)).await.expect("the batch works");
        assert!(old.iter().all(Result::is_ok));
        context.advance(ms(5));
        let sweeper = context.kv().await;
        let sweeps = tokio::spawn(async move {
            for _ in 0..8 {
                sweeper.sweep().await.expect("the sweep works");
                crate::support::next_turn().await;
            }
        });
        for (at, key) in keys.iter().enumerate() {
            match at % 3 {
                0 => drop(set(&kv, key, "new").await),
                1 => {
                    let put =
                        kv.put(key, "new", PutOptions::new().if_not_exists()).await.expect("the put works");
                    assert!(put.is_stored(), "an expired entry blocked a create");
                }
                _ => assert_eq!(kv.increment(key, 7, None).await.expect("it adds"), 7),
            }
            crate::support::next_turn().await;
        }
        sweeps.await.expect("the sweeps end well");
        for (at, key) in keys.iter().enumerate() {
            let expected = if at % 3 == 2 { "7" } else { "new" };
            assert_eq!(text(&kv, key).await.as_deref(), Some(expected), "a sweep removed a fresh write");
        }
    }
}

async fn counters_stay_right_across_sweeps(context: Context) {
    let kv = context.kv().await;
    for round in 0..3 {
        for sum in 1..=3 {
            assert_eq!(kv.increment("counter", 1, ms(100)).await.expect("it adds"), sum, "round {round}");
            assert!(swept(&kv).await.is_none_or(|removed| removed == 0));
        }
        context.advance(ms(100));
        if round > 0 {
            swept(&kv).await;
        }
    }
    assert_eq!(text(&kv, "counter").await, None);
}

async fn many_expired_entries_are_swept(context: Context) {
    let kv = context.kv().await;
    // More than one request removes.
    let keys: Vec<String> = (0..1_100).map(|at| format!("{at:05}")).collect();
    let put = kv.put_many(keys.iter().map(|key| (key, "")), secs(1)).await.expect("the batch works");
    assert!(put.iter().all(Result::is_ok));
    set(&kv, "00500", "lives").await;
    context.advance(secs(1));
    assert!(swept(&kv).await.is_none_or(|removed| removed == 1_099));
    assert_eq!(crate::support::keys(&kv, "").await, ["00500"]);
}

async fn one_process_sweeps_at_a_time(context: Context) {
    let kv = context.kv().await;
    set_for(&kv, "ended", "1", ms(1)).await;
    context.advance(ms(1));
    if context.driver().await.info().layout == LayoutKeeper::Server {
        // The lease is among the server's own records, and so is what it is for.
        assert_eq!(kv.sweep().await.expect("the sweep works"), SweepOutcome::DoneByPlatform);
        return;
    }
    // The lease, as a process holds it that is in the middle of a sweep.
    let leases = kv.system("sweep").expect("a namespace");
    let lease = PutOptions::new().ttl(secs(60)).if_not_exists();
    crate::support::put(&leases, "lease", "", lease).await;
    let reaper = context.driver().await.info().reaper;
    let second = context.kv().await;
    let outcome = second.sweep().await.expect("the sweep works");
    match reaper {
        Reaper::Leased => {
            assert_eq!(outcome, SweepOutcome::InProgressElsewhere);
            assert!(is_stored(&context, "ended").await, "it swept without the lease");
            // That process died: its lease runs out.
            context.advance(secs(60));
            assert_eq!(swept(&second).await, Some(1));
            assert_eq!(swept(&kv).await, Some(0), "the lease was not given back");
        }
        Reaper::Embedded => assert_eq!(outcome, SweepOutcome::Swept { removed: 1 }),
        Reaper::Platform => assert_eq!(outcome, SweepOutcome::DoneByPlatform),
    }
}
