//! The gateway's clock is what counts: this process's own may be hours off.

mod support;

use std::sync::Arc;
use std::time::Duration;

use larder_core::driver::{Driver, Effect, Guard, Mutation, RowKey, Shard, Write};
use larder_core::record::WriteStamp;
use larder_core::{
    CanonicalKey, Clock, ErrorKind, Expiry, Kv, ManualClock, MemoryDriver, PutOptions, SystemClock,
    Timestamp, TouchOptions,
};
use larder_remote::RemoteDriver;

use support::{START, Served, clock, direct, remote};

const DAY: Duration = Duration::from_secs(86_400);
const MINUTE: Duration = Duration::from_secs(60);

/// Clocks that a caller may have beside a gateway's.
fn off() -> Vec<(&'static str, Arc<ManualClock>)> {
    let days = DAY.as_millis() as u64;
    let at = |millis| clock(Timestamp::from_millis(millis));
    vec![
        ("a day ahead", at(START.as_millis() + days)),
        ("a day behind", at(START.as_millis() - days)),
        ("at the epoch", at(0)),
        ("right", at(START.as_millis())),
    ]
}

struct Bench {
    server: Arc<ManualClock>,
    served: Served,
    /// Past the gateway, by its clock.
    truth: Kv,
}

impl Bench {
    async fn new() -> Self {
        let (server, store) = (clock(START), MemoryDriver::new().shards(4));
        let truth = direct(store.clone(), &server);
        Self { served: Served::start(direct(store, &server)).await, truth, server }
    }

    fn kv(&self, own: &Arc<ManualClock>) -> Kv {
        remote(&self.served.options().clock(Arc::clone(own) as Arc<dyn Clock>))
    }

    /// Both clocks move, each from where it is.
    fn pass(&self, own: &ManualClock, time: Duration) {
        self.server.advance(time);
        own.advance(time);
    }
}

/// Each of these is the first operation of its handle.
#[tokio::test]
async fn lifetimes_are_right_from_the_first_operation_on() {
    let bench = Bench::new().await;
    for (what, own) in off() {
        let ttl = |kv: Kv, key: &'static str| async move {
            kv.get_entry(key).await.expect("a read").and_then(|entry| entry.ttl())
        };
        let stored = bench.kv(&own).put("put", "1", PutOptions::new().ttl(MINUTE)).await.expect("a put");
        let stored = stored.into_version().expect("it is stored");
        let seen = bench.truth.get_entry("put").await.expect("a read").expect("it is there");
        assert_eq!((seen.ttl(), seen.version()), (Some(MINUTE), &stored), "{what}");
        let own_view = bench.kv(&own).get_entry("put").await.expect("a read").expect("it is there");
        assert_eq!((own_view.ttl(), own_view.version()), (Some(MINUTE), &stored), "{what}");

        bench.kv(&own).touch("put", TouchOptions::expire_after(2 * MINUTE)).await.expect("a touch");
        assert_eq!(ttl(bench.truth.clone(), "put").await, Some(2 * MINUTE), "{what}");
        bench.kv(&own).increment("count", 1, MINUTE).await.expect("it adds");
        assert_eq!(ttl(bench.truth.clone(), "count").await, Some(MINUTE), "{what}");
        for stored in bench.kv(&own).put_many([("a", "1"), ("b", "2")], MINUTE).await.expect("a batch") {
            stored.expect("a put");
        }
        assert_eq!(ttl(bench.truth.clone(), "b").await, Some(MINUTE), "{what}");
        bench.truth.delete("count").await.expect("a delete");
    }
}

#[tokio::test]
async fn entries_end_for_all_at_once() {
    for (what, own) in off() {
        let bench = Bench::new().await;
        let kv = bench.kv(&own);
        let stored =
            kv.put("lock", "mine", PutOptions::new().ttl(MINUTE).if_not_exists()).await.expect("a put");
        let version = stored.into_version().expect("it is stored");
        bench.pass(&own, MINUTE - Duration::from_millis(1));
        assert!(kv.exists("lock").await.expect("a read"), "{what}");
        let taken =
            bench.kv(&own).put("lock", "theirs", PutOptions::new().if_not_exists()).await.expect("a put");
        assert!(!taken.is_stored(), "{what}: the entry lives");
        // The first operation of this handle is by a version that has not expired.
        let swap = PutOptions::new().ttl(MINUTE).if_version(version.clone());
        let swapped = bench.kv(&own).put("lock", "mine", swap).await.expect("a put");
        let version = swapped.into_version().expect("the version holds");
        bench.pass(&own, MINUTE);
        assert!(!kv.exists("lock").await.expect("a read"), "{what}");
        assert!(
            !bench.kv(&own).delete_if_version("lock", version).await.expect("a delete").is_deleted(),
            "{what}"
        );
        let taken = kv.put("lock", "theirs", PutOptions::new().if_not_exists()).await.expect("a put");
        assert!(taken.is_stored(), "{what}: nothing is in the way");
    }
}

#[tokio::test]
async fn the_check_shows_no_skew_that_does_not_count() {
    let bench = Bench::new().await;
    for (what, own) in off() {
        let report = bench.kv(&own).check().await.expect("a check");
        assert_eq!(report.clock_skew_millis, Some(0), "{what}");
    }
}

/// The clock of this process is set while it runs: what was begun by it is not stored with a wrong expiry, and what comes
/// after is right again.
#[tokio::test]
async fn a_clock_that_is_set_meanwhile_stores_nothing_wrong() {
    let bench = Bench::new().await;
    let own = clock(START);
    let kv = bench.kv(&own);
    kv.put("key", "1", PutOptions::new().ttl(MINUTE)).await.expect("a put");
    own.set(START.plus(DAY));
    let error = kv.put("key", "2", PutOptions::new().ttl(MINUTE)).await.expect_err("by the wrong time");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(!error.is_retryable(), "the same write would be wrong again");
    assert_eq!(
        bench.truth.get_text("key").await.expect("a read").as_deref(),
        Some("1"),
        "it was not applied"
    );
    kv.put("key", "3", PutOptions::new().ttl(MINUTE)).await.expect("a put");
    let seen = bench.truth.get_entry("key").await.expect("a read").expect("it is there");
    assert_eq!((&seen.value()[..], seen.ttl()), (&b"3"[..], Some(MINUTE)));
    // A read alone mends it, too.
    own.set(START);
    assert!(kv.exists("key").await.expect("a read"));
    kv.put("key", "4", PutOptions::new().ttl(MINUTE)).await.expect("a put");
}

/// An attempt that the network held back for a day is not made: its sender has long decided otherwise.
#[tokio::test]
async fn what_comes_too_late_is_not_begun() {
    let bench = Bench::new().await;
    let options = bench.served.options().clock(Arc::clone(&bench.server) as Arc<dyn Clock>);
    let driver = RemoteDriver::open(&options).expect("the options are right");
    let row = RowKey { shard: Shard(0), key: CanonicalKey::from_canonical("late").expect("canonical") };
    let mutation = Mutation::Put { value: "1".into(), expires_at: Expiry::NEVER, register: None };
    let write = Write { mutation, guard: Guard::Always, stamp: WriteStamp::new(START) };
    bench.server.advance(Duration::from_millis(4_000));
    driver.write(&row, &write, START).await.expect("late, and somebody may still wait for it");
    bench.server.advance(Duration::from_millis(1));
    let error = driver.write(&row, &write, START).await.expect_err("nobody waits for it");
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error:?}");
    assert!(error.retryable, "no clock was set");
    let error = driver.write_batch(&[(row.clone(), write)], START).await.expect_err("nobody waits for it");
    assert_eq!(error.effect, Effect::NotApplied, "{error:?}");
}

/// By the real time on both sides, with what the network takes.
#[tokio::test]
async fn the_real_time_is_followed_within_what_a_reply_takes() {
    let store = MemoryDriver::new();
    let served = Served::start(Kv::new(store.clone())).await;
    #[derive(Debug)]
    struct Ahead;
    impl Clock for Ahead {
        fn now(&self) -> Timestamp {
            SystemClock.now().plus(DAY)
        }
    }
    let kv = remote(&served.options().clock(Arc::new(Ahead)));
    kv.put("key", "1", PutOptions::new().ttl(MINUTE)).await.expect("a put");
    let truth = Kv::new(store).get_entry("key").await.expect("a read").expect("it is there");
    let ttl = truth.ttl().expect("it expires");
    assert!(ttl > MINUTE - Duration::from_secs(2) && ttl < MINUTE + Duration::from_secs(2), "{ttl:?}");
    let report = kv.check().await.expect("a check");
    assert!(report.clock_is_within_bound(), "{report:?}");
}
