//! The relaxed mode: acknowledged at once, durable soon, and never in silence not at all (P5).

use larder_core::PutOptions;
use tempfile::tempdir;

use super::failures::{assert_has_stopped, assert_refuses_everything, disk_error};
use super::{Gated, settle};
use crate::{Durability, SledOptions};

fn relaxed() -> SledOptions {
    SledOptions::new().durability(Durability::Interval).sweep_interval(None)
}

#[tokio::test]
async fn what_is_acknowledged_is_made_durable_soon() {
    let dir = tempdir().expect("a directory");
    let mut gated = Gated::open_with(dir.path(), &relaxed()).await;
    gated.shut();
    // Two of the store's own rounds; a write is shown before its round comes, and is there afterwards.
    for value in ["one", "two"] {
        gated.kv.put("k", value, PutOptions::new()).await.expect("a put");
        assert_eq!(gated.kv.get_text("k").await.expect("a read").as_deref(), Some(value));
        gated.is_waiting().await;
        gated.pass();
    }
    // A store that owes the disk nothing leaves it alone: there is no further round to wait for.
    gated.open_for_good();
}

#[tokio::test]
async fn a_failure_stops_the_store() {
    let dir = tempdir().expect("a directory");
    let mut gated = Gated::open_with(dir.path(), &relaxed()).await;
    let kv = gated.kv.clone();
    gated.shut();
    kv.put("k", "acknowledged", PutOptions::new()).await.expect("a put");
    gated.is_waiting().await;
    let write = kv.clone();
    let behind = tokio::spawn(async move { write.put("behind", "never", PutOptions::new()).await });
    settle().await;
    gated.decide(disk_error);
    assert_has_stopped(behind.await.expect("no panic"));
    assert_refuses_everything(&kv).await;
}

#[tokio::test]
async fn closing_makes_everything_durable() {
    let dir = tempdir().expect("a directory");
    let gated = Gated::open_with(dir.path(), &relaxed()).await;
    let shared = std::sync::Arc::clone(&gated.shared);
    let before = gated.syncs();
    gated.kv.put("k", "v", PutOptions::new()).await.expect("a put");
    drop(gated);
    assert!(shared.syncs.load(std::sync::atomic::Ordering::SeqCst) > before);
    let gated = Gated::open_with(dir.path(), &relaxed()).await;
    assert_eq!(gated.kv.get_text("k").await.expect("a read").as_deref(), Some("v"));
}
