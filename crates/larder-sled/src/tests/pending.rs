//! A read does not show a write that is not yet durable (P5).

use std::sync::Arc;
use std::time::Duration;

use larder_core::driver::{Consistency, Driver, Projection, Read, ScanRequest, ScanStart, Shard};
use larder_core::{Kv, PutOptions, ScanOptions, TouchOptions};
use tempfile::tempdir;
use tokio::task::JoinSet;

use super::{Gated, settle};
use crate::driver::SledDriver;

const SHORT: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(3_600);

/// What readers see, each key by every way to read it.
async fn seen(kv: &Kv) -> Vec<(String, String, Option<Duration>)> {
    let keys = ["changed", "counter", "deleted", "fresh", "kept", "touched"];
    let scanned = kv.scan_collect("", 100).await.expect("a scan").into_entries().expect("no damage");
    let scanned: Vec<_> =
        scanned.into_iter().map(|entry| (entry.key().to_owned(), text(entry.value()), entry.ttl())).collect();

    let mut read = Vec::new();
    for (key, entry) in keys.iter().zip(kv.get_many(keys).await.expect("reads")) {
        let entry = entry.expect("a read");
        assert_eq!(kv.get(key).await.expect("a read").as_ref(), entry.as_ref().map(|entry| entry.value()));
        assert_eq!(kv.exists(key).await.expect("a read"), entry.is_some(), "{key}");
        let single = kv.get_entry(key).await.expect("a read");
        assert_eq!(
            single.map(|entry| entry.version().clone()),
            entry.as_ref().map(|entry| entry.version().clone())
        );
        read.extend(entry.map(|entry| (entry.key().to_owned(), text(entry.value()), entry.ttl())));
    }
    assert_eq!(rounded(&scanned), rounded(&read));

    let mut cursor = None;
    let mut paged = Vec::new();
    loop {
        let page = kv.scan_keys_page("", ScanOptions::new().limit(1).cursor(cursor)).await.expect("a page");
        cursor = page.cursor.clone();
        paged.extend(page.into_entries().expect("no damage").into_iter().map(|info| info.into_key()));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(paged, scanned.iter().map(|(key, ..)| &**key).collect::<Vec<_>>());
    rounded(&scanned)
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

/// With lifetimes in whole minutes, since some time has passed.
fn rounded(entries: &[(String, String, Option<Duration>)]) -> Vec<(String, String, Option<Duration>)> {
    let minutes = |ttl: Duration| Duration::from_secs(ttl.as_secs().div_ceil(60) * 60);
    entries.iter().map(|(key, value, ttl)| (key.clone(), value.clone(), ttl.map(minutes))).collect()
}

fn entry(key: &str, value: &str, ttl: Option<Duration>) -> (String, String, Option<Duration>) {
    (key.to_owned(), value.to_owned(), ttl)
}

#[tokio::test]
async fn readers_see_the_state_before_a_group_until_it_is_durable() {
    let dir = tempdir().expect("a directory");
    let mut gated = Gated::open(dir.path()).await;
    let kv = gated.kv.clone();
    for key in ["changed", "deleted", "kept"] {
        kv.put(key, "old", PutOptions::new()).await.expect("a put");
    }
    kv.put("touched", "old", PutOptions::new().ttl(SHORT)).await.expect("a put");
    kv.increment("counter", 5, None).await.expect("a counter");
    let before = seen(&kv).await;

    // A first group holds the writer up, so that all that follows comes in one.
    gated.shut();
    let mut writes = JoinSet::new();
    let write = kv.clone();
    writes.spawn(async move { write.put("kept", "old", PutOptions::new()).await.map(drop) });
    gated.is_waiting().await;
    let write = kv.clone();
    writes.spawn(async move { write.put("changed", "new", PutOptions::new().ttl(LONG)).await.map(drop) });
    let write = kv.clone();
    writes.spawn(async move { write.put("fresh", "new", PutOptions::new()).await.map(drop) });
    let write = kv.clone();
    writes.spawn(async move { write.delete("deleted").await });
    let write = kv.clone();
    writes.spawn(async move { write.touch("touched", TouchOptions::expire_after(LONG)).await.map(drop) });
    for expected in [6, 7] {
        let write = kv.clone();
        writes.spawn(async move {
            let sum = write.increment("counter", 1, None).await?;
            assert_eq!(sum, expected, "increments of one group see each other");
            Ok(())
        });
    }
    settle().await;
    gated.pass();
    gated.is_waiting().await;
    assert_eq!(
        gated.store().data.get("changed").expect("a read").map(|stored| stored.ends_with(b"new")),
        Some(true)
    );
    assert_eq!(seen(&kv).await, before, "all of it is applied, and none of it is shown");
    // Only the write that came before the group has been answered.
    settle().await;
    assert_eq!(writes.try_join_next().map(|done| done.expect("no panic").is_ok()), Some(true));
    assert!(writes.try_join_next().is_none());

    gated.open_for_good();
    for done in writes.join_all().await {
        done.expect("it is durable");
    }
    let after = [
        entry("changed", "new", Some(LONG)),
        entry("counter", "7", None),
        entry("fresh", "new", None),
        entry("kept", "old", None),
        entry("touched", "old", Some(LONG)),
    ];
    assert_eq!(seen(&kv).await, after);
}

#[tokio::test]
async fn a_page_goes_on_behind_rows_that_are_not_yet_durable() {
    let dir = tempdir().expect("a directory");
    let mut gated = Gated::open(dir.path()).await;
    let kv = gated.kv.clone();
    kv.put("z", "", PutOptions::new()).await.expect("a put");
    gated.shut();
    let write = kv.clone();
    let many =
        tokio::spawn(async move { write.put_many((0..50).map(|at| (format!("a{at:02}"), "")), None).await });
    gated.is_waiting().await;
    for limit in [1, 7, 100] {
        let page = kv.scan_page("", ScanOptions::new().limit(limit)).await.expect("a page");
        let keys: Vec<_> =
            page.into_entries().expect("no damage").iter().map(|entry| entry.key().to_owned()).collect();
        assert_eq!(keys, ["z"], "a limit of {limit}");
    }
    gated.open_for_good();
    for stored in many.await.expect("no panic").expect("a batch") {
        stored.expect("a put");
    }
    assert_eq!(kv.scan_keys_collect("", 100).await.expect("a scan").items.len(), 51);
}

#[tokio::test]
async fn rows_that_are_not_yet_durably_gone_are_shown_in_full_pages() {
    let dir = tempdir().expect("a directory");
    let mut gated = Gated::open(dir.path()).await;
    let kv = gated.kv.clone();
    let keys: Vec<String> = (0..50).map(|at| format!("a{at:02}")).collect();
    for stored in kv.put_many(keys.iter().map(|key| (key, "")), None).await.expect("a batch") {
        stored.expect("a put");
    }
    gated.shut();
    let (write, all) = (kv.clone(), keys.clone());
    let many = tokio::spawn(async move { write.delete_many(all).await });
    gated.is_waiting().await;
    assert_eq!(gated.store().data.get("a00").expect("a read"), None);
    let mut cursor = None;
    let mut found = Vec::new();
    loop {
        let page = kv.scan_keys_page("", ScanOptions::new().limit(8).cursor(cursor)).await.expect("a page");
        assert!(page.items.len() <= 8);
        cursor = page.cursor.clone();
        found.extend(page.into_entries().expect("no damage").into_iter().map(|info| info.into_key()));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, keys);
    // The driver itself keeps to the limit, with rows behind those that are going, too.
    assert_eq!(driver_scan(&gated, "a", 8).await, (keys[..8].to_vec(), true));
    assert_eq!(driver_scan(&gated, "a44", 8).await, (keys[44..].to_vec(), false));
    gated.open_for_good();
    for deleted in many.await.expect("no panic").expect("a batch") {
        deleted.expect("a delete");
    }
    assert!(kv.scan_keys_collect("", 100).await.expect("a scan").items.is_empty());
}

/// The keys of one request of the driver's own, and whether it goes on behind them.
async fn driver_scan(gated: &Gated, start: &str, limit: usize) -> (Vec<String>, bool) {
    let request = ScanRequest {
        shard: Shard(0),
        start: ScanStart::At(start.to_owned()),
        end: "b".to_owned(),
        limit,
        max_bytes: usize::MAX,
        read: Read { projection: Projection::Meta, consistency: Consistency::Strong },
    };
    let driver = SledDriver::on(Arc::clone(&gated.handle));
    let reply = driver.scan(&request).await.expect("a scan");
    (reply.rows.iter().map(|row| row.key.as_str().to_owned()).collect(), reply.more)
}
