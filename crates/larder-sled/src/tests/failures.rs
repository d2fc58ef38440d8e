//! A disk that fails: nothing is claimed, and the store stops (P4, P5).

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind, Kv, PutOptions, Result, TouchOptions};
use tempfile::tempdir;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;

use super::{Gated, PATIENCE, settle};
use crate::SledOptions;
use crate::driver::SledDriver;
use crate::registry;

/// Long before the deadline of an operation, 10 s: it was not retried.
const AT_ONCE: Duration = Duration::from_secs(2);
const READERS: usize = 4;

pub(super) fn disk_error() -> io::Result<()> {
    Err(io::Error::from_raw_os_error(5))
}

/// An error that says that the store has stopped, why, and what to do.
#[track_caller]
pub(super) fn assert_has_stopped<T>(result: Result<T>) {
    let error = result.map(drop).expect_err("the store has stopped");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(!error.is_retryable(), "{error}");
    for told in ["the store has stopped", "could not be made durable", "open the store again"] {
        assert!(error.message().contains(told), "{error}");
    }
}

#[track_caller]
fn assert_in_doubt<T>(result: Result<T>) -> Error {
    let error = result.map(drop).expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
    assert!(!error.is_retryable(), "{error}");
    error
}

/// Every operation is refused, for good and at once.
pub(super) async fn assert_refuses_everything(kv: &Kv) {
    let started = Instant::now();
    assert_has_stopped(kv.get("k").await);
    assert_has_stopped(kv.get("absent").await);
    assert_has_stopped(kv.exists("k").await);
    assert_has_stopped(kv.scan_collect("", 10).await);
    for read in kv.get_many(["k", "absent"]).await.expect("each for itself") {
        assert_has_stopped(read);
    }
    assert_has_stopped(kv.put("k", "later", PutOptions::new()).await);
    assert_has_stopped(kv.put("k", "later", PutOptions::new().if_not_exists()).await);
    assert_has_stopped(kv.touch("k", TouchOptions::persist()).await);
    assert_has_stopped(kv.delete("k").await);
    assert_has_stopped(kv.increment("counter", 1, None).await);
    for stored in kv.put_many([("k", "later"), ("l", "later")], None).await.expect("each for itself") {
        assert_has_stopped(stored);
    }
    assert_has_stopped(kv.sweep().await);
    assert_has_stopped(kv.check().await);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
}

/// A group with a put of `k`, a new key and a batch meets this end, with a write that waits behind it.
async fn a_group_meets(end: fn() -> io::Result<()>, cause: &str) {
    let dir = tempdir().expect("a directory");
    let mut gated = Gated::open(dir.path()).await;
    let kv = gated.kv.clone();
    kv.put("k", "durable", PutOptions::new()).await.expect("a put");

    gated.shut();
    let write = kv.clone();
    let batch =
        tokio::spawn(async move { write.put_many([("k", "in doubt"), ("fresh", "in doubt")], None).await });
    gated.is_waiting().await;
    let write = kv.clone();
    let behind = tokio::spawn(async move { write.put("behind", "never", PutOptions::new()).await });
    settle().await;
    assert_eq!(kv.get_text("k").await.expect("a read").as_deref(), Some("durable"));
    assert!(!kv.exists("fresh").await.expect("a read"));

    // Readers that are at it when it fails see what is durable, or that the store has stopped.
    let mut readers = JoinSet::new();
    let (reading, mut has_read) = unbounded_channel();
    for _ in 0..READERS {
        let (kv, reading) = (kv.clone(), reading.clone());
        readers.spawn_blocking(move || {
            let started = Instant::now();
            while started.elapsed() < PATIENCE {
                match at_once(kv.get_text("k")) {
                    Ok(value) => assert_eq!(value.as_deref(), Some("durable")),
                    stopped => return assert_has_stopped(stopped),
                }
                // Once is enough for the test, which may be gone.
                let _ = reading.send(());
            }
            panic!("the store goes on as if nothing had happened");
        });
        has_read.recv().await.expect("it reads");
    }
    let started = Instant::now();
    gated.decide(end);
    for stored in batch.await.expect("no panic").expect("each for itself") {
        let error = assert_in_doubt(stored);
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        assert!(source.contains(cause), "{error}, because of {source:?}");
    }
    assert_has_stopped(behind.await.expect("no panic"));
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
    readers.join_all().await;
    assert_refuses_everything(&kv).await;

    // Whoever opens the directory now is told that the store that has stopped has to be closed first.
    let refused = registry::open(dir.path(), &SledOptions::new()).expect_err("it has stopped");
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(refused.to_string().contains("drop all handles"), "{refused}");

    drop((kv, gated));
    let kv = Gated::open(dir.path()).await.kv;
    // The group was flushed to the system, and not synced: it may be there or not, as a whole or in part.
    assert!(matches!(kv.get_text("k").await.expect("a read").as_deref(), Some("durable" | "in doubt")));
    assert!(!kv.exists("behind").await.expect("a read"), "it was refused");
    kv.put("k", "later", PutOptions::new()).await.expect("it works again");
    assert_eq!(kv.get_text("k").await.expect("a read").as_deref(), Some("later"));
}

/// Runs what never waits.
fn at_once<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(work)
}

#[tokio::test]
async fn a_failed_sync_stops_the_store() {
    a_group_meets(disk_error, "the disk answered with an error").await;
}

#[tokio::test]
async fn a_full_disk_stops_the_store() {
    a_group_meets(|| Err(io::ErrorKind::StorageFull.into()), "no room left on the disk").await;
}

#[tokio::test]
async fn a_panic_stops_the_store() {
    a_group_meets(|| panic!("sled has found itself in an impossible state"), "panicked").await;
}

#[tokio::test]
async fn single_writes_in_doubt_are_ambiguous_too() {
    let dir = tempdir().expect("a directory");
    type Attempt = fn(Kv) -> tokio::task::JoinHandle<Result<()>>;
    let attempts: [Attempt; 4] = [
        |kv| tokio::spawn(async move { kv.put("k", "in doubt", PutOptions::new()).await.map(drop) }),
        |kv| tokio::spawn(async move { kv.delete("k").await }),
        |kv| tokio::spawn(async move { kv.touch("k", TouchOptions::persist()).await.map(drop) }),
        |kv| tokio::spawn(async move { kv.increment("counter", 1, None).await.map(drop) }),
    ];
    for attempt in attempts {
        let mut gated = Gated::open(dir.path()).await;
        gated.kv.put("k", "durable", PutOptions::new()).await.expect("a put");
        gated.shut();
        let attempt = attempt(gated.kv.clone());
        gated.is_waiting().await;
        gated.decide(disk_error);
        assert_in_doubt(attempt.await.expect("no panic"));
        assert_refuses_everything(&gated.kv).await;
    }
}

#[tokio::test]
async fn a_store_that_has_stopped_can_be_dropped_in_any_order() {
    let dir = tempdir().expect("a directory");
    for _ in 0..3 {
        let mut gated = Gated::open(dir.path()).await;
        gated.shut();
        let kv = gated.kv.clone();
        let write = tokio::spawn(async move { kv.put("k", "v", PutOptions::new()).await });
        gated.is_waiting().await;
        let handle = Arc::clone(&gated.handle);
        gated.decide(disk_error);
        assert_in_doubt(write.await.expect("no panic"));
        drop(gated);
        assert_has_stopped(Kv::new(SledDriver::on(handle)).get("k").await);
    }
}
