//! Expired entries are removed without being asked (T3).

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::{ManualClock, PutOptions, TouchOptions};
use tempfile::tempdir;

use super::{Gated, PATIENCE};
use crate::SledOptions;
use crate::store::Store;

const TTL: Duration = Duration::from_secs(10);

/// The keys in a tree, Larder's own left out.
fn keys(tree: &sled::Tree) -> Vec<String> {
    let keys = tree.iter().keys().map(|key| String::from_utf8_lossy(&key.expect("a read")).into_owned());
    keys.filter(|key| !key.starts_with('!')).collect()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        tokio::task::yield_now().await;
    }
}

async fn until_swept(store: &Store, left: &[&str]) {
    until("the expired are removed", || keys(&store.data) == left).await;
}

#[tokio::test]
async fn the_expired_are_removed_and_the_living_stay() {
    let dir = tempdir().expect("a directory");
    let clock = Arc::new(ManualClock::default());
    let options = SledOptions::new().clock(clock.clone()).sweep_interval(Duration::from_millis(1));
    let gated = Gated::open_with(dir.path(), &options).await;
    let (kv, store) = (&gated.kv, gated.store());
    // More than the sweeper takes in one step.
    let mortal = (0..2_500).map(|at| (format!("mortal:{at}"), "v"));
    for stored in kv.put_many(mortal, TTL).await.expect("a batch") {
        stored.expect("a put");
    }
    kv.put("later", "v", PutOptions::new().ttl(2 * TTL)).await.expect("a put");
    kv.put("never", "v", PutOptions::new()).await.expect("a put");
    kv.put("replaced", "v", PutOptions::new().ttl(TTL)).await.expect("a put");
    kv.put("replaced", "v", PutOptions::new()).await.expect("a put");
    kv.put("saved", "v", PutOptions::new().ttl(TTL)).await.expect("a put");
    kv.touch("saved", TouchOptions::expire_after(2 * TTL)).await.expect("a touch");

    // Nothing has expired yet, however often the sweeper looks.
    clock.advance(TTL - Duration::from_millis(1));
    let syncs = gated.syncs();
    kv.put("syncs", "once", PutOptions::new()).await.expect("a put");
    kv.delete("syncs").await.expect("a delete");
    assert_eq!(gated.syncs() - syncs, 2, "nothing was swept");
    assert_eq!(store.data.len(), 2_500 + 4 + 1, "with the layout");

    clock.advance(Duration::from_millis(1));
    until_swept(store, &["later", "never", "replaced", "saved"]).await;
    until("their hints are removed", || store.expiry.len() == 2).await;
    clock.advance(TTL);
    until_swept(store, &["never", "replaced"]).await;
    until("their hints are removed", || store.expiry.is_empty()).await;
    assert!(kv.exists("never").await.expect("a read"));
}

#[tokio::test]
async fn what_was_swept_is_swept_for_good() {
    let dir = tempdir().expect("a directory");
    let clock = Arc::new(ManualClock::default());
    let options = SledOptions::new().clock(clock.clone()).sweep_interval(Duration::from_millis(1));
    let gated = Gated::open_with(dir.path(), &options).await;
    gated.kv.put("k", "v", PutOptions::new().ttl(TTL)).await.expect("a put");
    let syncs = gated.syncs();
    clock.advance(TTL);
    until("the sweep is synced", || gated.syncs() > syncs && gated.store().data.len() == 1).await;
    drop(gated);

    let gated = Gated::open_with(dir.path(), &SledOptions::new().sweep_interval(None)).await;
    assert_eq!(keys(&gated.store().data), Vec::<String>::new());
    assert!(gated.store().expiry.is_empty());
}

#[tokio::test]
async fn no_sweeper_runs_without_an_interval() {
    let dir = tempdir().expect("a directory");
    let gated = Gated::open_with(dir.path(), &SledOptions::new().sweep_interval(None)).await;
    assert!(gated.handle._tickers.is_empty());
}
