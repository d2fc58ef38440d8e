//! The expiry index against the records that it is for.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use larder_core::driver::{Driver, Guard, Mutation, RowKey, Shard, Swept, Write};
use larder_core::record::WriteStamp;
use larder_core::{
    CanonicalKey, Clock, Expiry, Kv, ManualClock, PutOptions, SweepOutcome, Timestamp, TouchOptions,
};
use sled::IVec;
use tempfile::{TempDir, tempdir};

use super::Gated;
use crate::SledOptions;
use crate::codec::Header;
use crate::driver::SledDriver;
use crate::expiry;
use crate::group::Group;
use crate::store::Store;
use crate::write::PreparedWrite;

const TTL: Duration = Duration::from_secs(10);

/// A store that nobody sweeps unasked, and its clock.
async fn store() -> (TempDir, Gated, Arc<ManualClock>) {
    let dir = tempdir().expect("a directory");
    let clock = Arc::new(ManualClock::default());
    let options = SledOptions::new().clock(clock.clone()).sweep_interval(None);
    let gated = Gated::open_with(dir.path(), &options).await;
    (dir, gated, clock)
}

fn hints(store: &Store) -> BTreeSet<IVec> {
    store.expiry.iter().keys().map(|hint| hint.expect("a read")).collect()
}

/// The hints that the records call for: exactly these have to be there.
fn wanted(store: &Store) -> BTreeSet<IVec> {
    let records = store.data.iter().map(|row| row.expect("a read"));
    records
        .filter_map(|(key, stored)| expiry::hint(Header::read(&stored).expect("a record").expires_at, &key))
        .collect()
}

/// Plants a hint, as a crash leaves one behind.
fn plant(store: &Store, moment: Timestamp, key: &str) {
    let hint = expiry::hint(Expiry::at(moment), key.as_bytes()).expect("it is for a moment");
    store.expiry.insert(hint, &[]).expect("a write");
}

async fn swept(kv: &Kv) -> usize {
    match kv.sweep().await.expect("a sweep") {
        SweepOutcome::Swept { removed } => removed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_write_leaves_the_hints_that_fit() {
    let (_dir, gated, clock) = store().await;
    let (kv, store) = (&gated.kv, gated.store());
    let mortal = PutOptions::new().ttl(TTL);
    for step in 0..9 {
        match step {
            0 => drop(kv.put("k", "v", mortal.clone()).await.expect("a put")),
            // The same lifetime, a moment later.
            1 => drop(kv.put("k", "v", mortal.clone()).await.expect("a put")),
            2 => drop(kv.touch("k", TouchOptions::expire_after(3 * TTL)).await.expect("a touch")),
            3 => drop(kv.touch("k", TouchOptions::persist()).await.expect("a touch")),
            4 => drop(kv.touch("k", TouchOptions::expire_after(TTL)).await.expect("a touch")),
            5 => drop(kv.put("k", "v", PutOptions::new()).await.expect("a put")),
            6 => drop(kv.put("k", "1", mortal.clone()).await.expect("a put")),
            7 => drop(kv.increment("k", 1, None).await.expect("a counter")),
            _ => kv.delete("k").await.expect("a delete"),
        }
        assert_eq!(hints(store), wanted(store), "after step {step}");
        assert_eq!(hints(store).len(), usize::from(![3, 5, 8].contains(&step)), "after step {step}");
        clock.advance(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn taking_over_the_expired_takes_their_hints_over() {
    let (_dir, gated, clock) = store().await;
    let (kv, store) = (&gated.kv, gated.store());
    for key in ["counter", "created", "put"] {
        kv.put(key, "1", PutOptions::new().ttl(TTL)).await.expect("a put");
    }
    clock.advance(TTL);
    assert_eq!(kv.increment("counter", 1, 2 * TTL).await.expect("a counter"), 1);
    assert!(kv.put("created", "2", PutOptions::new().if_not_exists()).await.expect("a put").is_stored());
    kv.put("put", "2", PutOptions::new().ttl(TTL)).await.expect("a put");
    assert_eq!(hints(store), wanted(store));
    assert_eq!(hints(store).len(), 2);
    assert_eq!(swept(kv).await, 0);
    assert_eq!(kv.scan_keys_collect("", 10).await.expect("a scan").items.len(), 3);
}

#[tokio::test]
async fn a_hint_that_leads_nowhere_is_removed_and_nothing_else() {
    let (_dir, gated, clock) = store().await;
    let (kv, store) = (&gated.kv, gated.store());
    let now = clock.now();
    let past = Timestamp::from_millis(now.as_millis() - 1);
    kv.put("never", "v", PutOptions::new()).await.expect("a put");
    kv.put("later", "v", PutOptions::new().ttl(TTL)).await.expect("a put");
    // The process was killed after it wrote the new hint, before the record; or after the record, before it removed the
    // old hint; and a hint of no form at all.
    for key in ["absent", "never", "later"] {
        plant(store, past, key);
        plant(store, now, key);
    }
    store.expiry.insert([0, 0, 0], &[]).expect("a write");
    plant(store, now.plus(TTL), "never");

    assert_eq!(swept(kv).await, 0);
    assert!(kv.exists("never").await.expect("a read") && kv.exists("later").await.expect("a read"));
    let not_yet = expiry::hint(Expiry::at(now.plus(TTL)), b"never").expect("it is for a moment");
    assert_eq!(&hints(store) - &wanted(store), BTreeSet::from([not_yet]));

    clock.advance(TTL);
    assert_eq!(swept(kv).await, 1);
    assert!(kv.exists("never").await.expect("a read"));
    assert_eq!(hints(store), BTreeSet::new());
}

#[tokio::test]
async fn a_damaged_record_is_not_swept_away() {
    let (_dir, gated, clock) = store().await;
    let (kv, store) = (&gated.kv, gated.store());
    kv.put("k", "v", PutOptions::new().ttl(TTL)).await.expect("a put");
    let driver = SledDriver::on(Arc::clone(&gated.handle));
    driver.plant(&row("k"), b"garbage").await.expect("a write");
    plant(store, clock.now().plus(TTL), "k");
    clock.advance(TTL);
    assert_eq!(swept(kv).await, 0);
    assert_eq!(kv.get("k").await.expect_err("it is damaged").kind(), larder_core::ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_sweep_takes_as_much_as_it_may() {
    let (_dir, gated, clock) = store().await;
    let mortal = (0..25).map(|at| (format!("k{at}"), "v"));
    for stored in gated.kv.put_many(mortal, TTL).await.expect("a batch") {
        stored.expect("a put");
    }
    clock.advance(TTL);
    let driver = SledDriver::on(Arc::clone(&gated.handle));
    for (removed, more) in [(10, true), (10, true), (5, false), (0, false)] {
        assert_eq!(driver.sweep(clock.now(), 10).await.expect("a sweep"), Swept { removed, more });
        assert_eq!(hints(gated.store()), wanted(gated.store()));
    }
}

#[tokio::test]
async fn a_hint_that_a_write_of_the_same_group_needs_stays() {
    let (_dir, gated, clock) = store().await;
    let store = gated.store();
    let moment = clock.now();
    plant(store, moment, "k");
    let mut group = Group::new(store);
    assert_eq!(group.sweep(moment, 10).expect("it is worked out"), Swept { removed: 0, more: false });
    let mutation = Mutation::Put { value: "v".into(), expires_at: Expiry::at(moment), register: None };
    let write = Write { mutation, guard: Guard::Always, stamp: WriteStamp::new(moment) };
    group.write(PreparedWrite::new(&row("k"), &write, moment)).expect("it is worked out");
    group.apply().expect("it is applied");
    assert_eq!(hints(store), wanted(store));
    assert_eq!(swept(&gated.kv).await, 1);
}

fn row(key: &str) -> RowKey {
    RowKey { shard: Shard(0), key: CanonicalKey::from_canonical(key).expect("a key") }
}
