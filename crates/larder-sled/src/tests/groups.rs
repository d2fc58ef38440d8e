//! Writers that wait for the same sync share it.

use larder_core::{PutOptions, SweepOutcome};
use tempfile::tempdir;
use tokio::task::JoinSet;

use super::{Gated, settle};

/// As many writers as wait behind one sync, each with its put.
async fn behind_one_sync(
    gated: &mut Gated,
    put: impl Fn(usize) -> (String, PutOptions),
    writers: usize,
) -> usize {
    gated.shut();
    let kv = gated.kv.clone();
    let first = tokio::spawn(async move { kv.put("first", "", PutOptions::new()).await });
    gated.is_waiting().await;
    let mut waiting = JoinSet::new();
    for writer in 0..writers {
        let (kv, (key, options)) = (gated.kv.clone(), put(writer));
        waiting
            .spawn(async move { kv.put(key, writer.to_string(), options).await.expect("a put").is_stored() });
    }
    settle().await;
    gated.open_for_good();
    assert!(first.await.expect("no panic").expect("a put").is_stored());
    waiting.join_all().await.into_iter().filter(|stored| *stored).count()
}

#[tokio::test]
async fn many_writers_share_one_sync() {
    const WRITERS: usize = 300;
    let dir = tempdir().expect("a directory");
    let mut gated = Gated::open(dir.path()).await;
    let before = gated.syncs();
    let put = |writer: usize| (format!("k{writer}"), PutOptions::new());
    assert_eq!(behind_one_sync(&mut gated, put, WRITERS).await, WRITERS);
    assert_eq!(gated.syncs() - before, 2, "one for the first, one for all that waited behind it");
    assert_eq!(gated.kv.scan_keys_collect("k", 1_000).await.expect("a scan").items.len(), WRITERS);
}

#[tokio::test]
async fn of_one_group_one_creates() {
    let dir = tempdir().expect("a directory");
    let mut gated = Gated::open(dir.path()).await;
    let create = |_| ("lock".to_owned(), PutOptions::new().if_not_exists());
    assert_eq!(behind_one_sync(&mut gated, create, 100).await, 1);

    let version = gated.kv.get_entry("lock").await.expect("a read").expect("it is there").version().clone();
    let replace = |_| ("lock".to_owned(), PutOptions::new().if_version(version.clone()));
    assert_eq!(behind_one_sync(&mut gated, replace, 100).await, 1);
}

#[tokio::test]
async fn what_changes_nothing_needs_no_sync() {
    let dir = tempdir().expect("a directory");
    let gated = Gated::open(dir.path()).await;
    let kv = &gated.kv;
    kv.put("k", "v", PutOptions::new()).await.expect("a put");
    kv.put("word", "no number", PutOptions::new()).await.expect("a put");
    let before = gated.syncs();
    assert!(!kv.put("k", "w", PutOptions::new().if_not_exists()).await.expect("an outcome").is_stored());
    kv.increment("word", 1, None).await.expect_err("it is no number");
    assert_eq!(kv.sweep().await.expect("a sweep"), SweepOutcome::Swept { removed: 0 });
    assert_eq!(gated.syncs(), before);
    kv.delete("k").await.expect("a delete");
    assert_eq!(gated.syncs(), before + 1);
}
