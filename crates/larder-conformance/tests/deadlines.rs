//! What an operation does with its time, in a time that the test turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use larder_conformance::wrap::{Call, Hook, Verdict};
use larder_core::driver::{Driver, DriverError};
use larder_core::{ErrorKind, Kv, MemoryDriver, PutOptions, RetryPolicy, ScanOptions};
use tokio::time::Instant;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Takes its time for reads of the layout, and for everything else.
#[derive(Debug)]
struct Slow {
    layout: Duration,
    other: Duration,
    sent: AtomicUsize,
}

#[async_trait]
impl Hook for Slow {
    async fn before(&self, call: Call<'_>, _: &dyn Driver) -> Verdict {
        self.sent.fetch_add(1, Ordering::SeqCst);
        let pause = if call.is_system() { self.layout } else { self.other };
        #[expect(
            clippy::disallowed_methods,
            reason = "the time is the test's own: it stands still until all wait"
        )]
        tokio::time::sleep(pause).await;
        Verdict::Pass
    }
}

/// Attempts of a second, and a deadline of two.
fn two_attempts() -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    (policy.attempt_timeout, policy.deadline) = (ms(1_000), ms(2_000));
    policy
}

/// A handle on a store that has a layout.
async fn slow(layout: Duration, other: Duration, policy: RetryPolicy) -> (Kv, Arc<Slow>) {
    let driver = Arc::new(MemoryDriver::new());
    Kv::new(Arc::clone(&driver)).put("warm", "", PutOptions::new()).await.expect("a put");
    let slow = Arc::new(Slow { layout, other, sent: AtomicUsize::new(0) });
    (Kv::builder(slow.over(driver)).retry(policy).build(), slow)
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_layout_is_part_of_the_operation() {
    let (kv, _) = slow(ms(900), ms(5_000), two_attempts()).await;
    let started = Instant::now();
    // 900 ms for the layout; then an attempt of a second, and no time for another.
    assert_eq!(kv.get("key").await.expect_err("no answer").kind(), ErrorKind::Timeout);
    assert!(started.elapsed() <= ms(2_000), "it took {:?}", started.elapsed());
    let started = Instant::now();
    assert_eq!(kv.get("key").await.expect_err("no answer").kind(), ErrorKind::Timeout);
    assert!(started.elapsed() > ms(1_000), "the next one has all its time: {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn all_that_wait_for_the_layout_keep_their_own_deadlines() {
    let (kv, _) = slow(ms(5_000), ms(0), two_attempts()).await;
    let started = Instant::now();
    let first = tokio::spawn({
        let kv = kv.clone();
        async move { kv.get("key").await.map(drop).map_err(|error| (error.kind(), Instant::now())) }
    });
    tokio::task::yield_now().await;
    tokio::time::advance(ms(500)).await;
    let ends = tokio::join!(kv.scan_page("", ScanOptions::new()), kv.put("key", "", PutOptions::new()));
    let (kind, at) = first.await.expect("no panic").expect_err("no layout");
    assert_eq!(kind, ErrorKind::Timeout);
    assert!(at - started <= ms(2_000));
    assert_eq!(ends.0.map(drop).expect_err("no layout").kind(), ErrorKind::Timeout);
    assert_eq!(ends.1.map(drop).expect_err("no layout").kind(), ErrorKind::Timeout, "nothing was sent");
    assert!(started.elapsed() <= ms(2_500), "it took {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn no_write_is_begun_without_the_time_to_be_answered() {
    let mut policy = RetryPolicy::default();
    (policy.attempt_timeout, policy.deadline) = (ms(1_000), ms(1_000));
    let (kv, slow) = slow(ms(950), ms(0), policy).await;
    // 50 ms are left of a second, and less than a tenth of an attempt is no attempt.
    let error = kv.put("key", "", PutOptions::new()).await.expect_err("no time left");
    assert_eq!(error.kind(), ErrorKind::Timeout, "certain, since nothing was sent: {error}");
    assert_eq!(slow.sent.load(Ordering::SeqCst), 1, "the layout, and nothing else");
    assert!(!kv.exists("key").await.expect("a read"));
}

#[tokio::test(start_paused = true)]
async fn every_chunk_of_a_batch_has_its_own_time() {
    // 100 chunks, four at a time, 100 ms each: longer than the deadline of one of them.
    let (kv, _) = slow(ms(5), ms(100), two_attempts()).await;
    let entries = (0..2_500).map(|number| (format!("k{number:04}"), "value"));
    let started = Instant::now();
    let stored = kv.put_many(entries, None).await.expect("answers");
    assert!(stored.iter().all(Result::is_ok), "{:?}", stored.iter().find_map(|result| result.as_ref().err()));
    assert!(started.elapsed() > ms(2_000), "it took {:?}", started.elapsed());
    let (kv, _) = slow(ms(5), ms(900), two_attempts()).await;
    let keys: Vec<String> = (0..2_500).map(|number| format!("k{number:04}")).collect();
    let started = Instant::now();
    let found = kv.get_many(&keys).await.expect("answers");
    assert!(found.iter().all(Result::is_ok), "{:?}", found.iter().find_map(|result| result.as_ref().err()));
    assert!(started.elapsed() > ms(2_000), "it took {:?}", started.elapsed());
}

/// Takes its time to find out that there is no connection.
#[derive(Debug)]
struct Unreachable(Duration);

#[async_trait]
impl Hook for Unreachable {
    async fn before(&self, call: Call<'_>, _: &dyn Driver) -> Verdict {
        if call.is_system() {
            return Verdict::Pass;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the time is the test's own: it stands still until all wait"
        )]
        tokio::time::sleep(self.0).await;
        Verdict::Fail(DriverError::refused(ErrorKind::Unavailable, "there is no connection"))
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_has_the_time_to_find_out_that_there_is_no_connection() {
    let policy = RetryPolicy::default();
    let connecting = policy.connect_timeout - ms(1);
    // The pauses are at random, and so is the time that is left for the last attempt.
    for _ in 0..100 {
        let driver = Arc::new(MemoryDriver::new());
        Kv::new(Arc::clone(&driver)).put("warm", "", PutOptions::new()).await.expect("a put");
        let kv = Kv::builder(Arc::new(Unreachable(connecting)).over(driver)).retry(policy.clone()).build();
        let error = kv.put("key", "", PutOptions::new()).await.expect_err("no answer");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "nothing was ever sent: {error}");
        assert_eq!(kv.get("key").await.expect_err("no answer").kind(), ErrorKind::Unavailable);
    }
}
