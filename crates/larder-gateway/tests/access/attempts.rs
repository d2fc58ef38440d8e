//! The wall, as the remote driver meets it.

use std::time::{Duration, Instant};

use larder::{Kv, PutOptions, ScanOptions, TouchOptions};
use larder_core::driver::{
    Consistency, Driver, Guard, Mutation, Projection, Read, RowKey, ScanRequest, ScanStart, Shard, Write,
};
use larder_core::record::{WriteId, WriteStamp};
use larder_core::{CanonicalKey, Clock, SystemClock};
use larder_gateway::{Grant, Permission};
use larder_remote::{RemoteDriver, RemoteOptions};

use crate::served::{OTHER, STORE, Served, everything};

const SECRET: &[u8] = b"what-nobody-else-may-read";
const FOREIGN: &[&str] =
    &["victim:card", ":card", "../victim:card", "root", "!layout", "!gateway-keys:", "layout"];
const READ: Read = Read { projection: Projection::Full, consistency: Consistency::Strong };

fn driver(served: &Served, key: &str, binding: &str) -> RemoteDriver {
    let options = RemoteOptions::new(format!("http://{}", served.address), binding.to_owned()).api_key(key);
    RemoteDriver::open(&options).expect("a driver")
}

/// A gateway with entries of a neighbour and of nobody, and the key of an intruder.
async fn wall() -> (Served, String) {
    let served = Served::with_keys().await;
    let key = served.key(everything().namespace("intruder")).await;
    let store = served.store(STORE).await;
    for name in ["victim:card", "root", "intruder", "intrudes:card"] {
        store.put(name, SECRET, PutOptions::new()).await.expect("a put");
    }
    store.put("intruder:own", "1", PutOptions::new()).await.expect("a put");
    (served, key)
}

async fn is_whole(served: &Served) {
    let store = served.store(STORE).await;
    for name in ["victim:card", "root", "intruder", "intrudes:card"] {
        assert_eq!(store.get(name).await.expect("a get").as_deref(), Some(SECRET), "{name}");
    }
    assert_eq!(served.key_store().await.list().await.expect("a list").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handle_stays_in_its_namespace() {
    let (served, key) = wall().await;
    let kv = Kv::new(driver(&served, &key, STORE));
    for name in FOREIGN {
        assert_eq!(kv.get(*name).await.expect("a get"), None, "{name}");
        assert!(!kv.exists(*name).await.expect("an exists"), "{name}");
        kv.put(*name, "mine", PutOptions::new().if_not_exists()).await.expect("a put");
        kv.touch(*name, TouchOptions::expire_after(Duration::from_secs(60))).await.expect("a touch");
        kv.delete(*name).await.expect("a delete");
        assert_eq!(kv.increment(*name, 5, None).await.expect("it adds"), 5, "{name}");
    }
    for deleted in kv.delete_many(FOREIGN).await.expect("a batch") {
        deleted.expect("a delete");
    }
    assert!(kv.get_many(FOREIGN).await.expect("a batch").iter().all(|found| matches!(found, Ok(None))));
    for prefix in ["", "o", "v", "!", "\u{0}"] {
        let found = kv.scan_keys_collect(prefix, 100).await.expect("a scan").into_entries().expect("entries");
        let found: Vec<_> = found.iter().map(larder::EntryInfo::key).collect();
        let expected: &[&str] = if "own".starts_with(prefix) { &["own"] } else { &[] };
        assert_eq!(found, expected, "{prefix:?}");
    }
    let root = served.store(STORE).await;
    let cursor = root.scan_keys_page("", ScanOptions::new().limit(1)).await.expect("a page").cursor;
    let page = kv.scan_keys_page("", ScanOptions::new().cursor(cursor)).await.expect("a page");
    for info in page.into_entries().expect("entries") {
        assert_eq!(info.key(), "own");
    }
    is_whole(&served).await;
}

/// What a driver can be made to send that no handle sends: names of internal records, and other shards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn internal_records_are_beyond_any_attempt() {
    let (served, key) = wall().await;
    let whole = served.key(everything()).await;
    let listed = served.key_store().await.list().await.expect("a list");
    let id = listed.first().expect("a key").as_ref().expect("a key").id;
    for key in [&key, &whole] {
        let driver = driver(&served, key, STORE);
        // The handle's own first request, so that what follows is not refused for the clock.
        Kv::new(driver.clone()).get("own").await.expect("a get");
        for name in [format!("!gateway-keys:{id}"), "!layout".to_owned()] {
            for shard in [Shard(0), Shard(1), Shard::SYSTEM] {
                let row = RowKey { shard, key: CanonicalKey::from_canonical(&name).expect("a name") };
                assert!(!matches!(driver.get(&row, READ).await, Ok(Some(_))), "{name} in {shard:?}");
                let write = Write {
                    mutation: Mutation::Delete,
                    guard: Guard::Always,
                    stamp: WriteStamp { id: WriteId::random(), at: SystemClock.now() },
                };
                let _ = driver.write(&row, &write, SystemClock.now()).await;
            }
        }
        for (start, end, shard) in [("!", "~", Shard(0)), ("!", "~", Shard::SYSTEM), ("", "\u{7f}", Shard(0))]
        {
            let request = ScanRequest {
                shard,
                start: ScanStart::At(start.to_owned()),
                end: end.to_owned(),
                limit: 1_000,
                max_bytes: 1_000_000,
                read: READ,
            };
            if let Ok(reply) = driver.scan(&request).await {
                assert!(
                    reply.rows.iter().all(|row| !row.key.as_str().starts_with('!')),
                    "{start:?} in {shard:?}"
                );
            }
        }
    }
    assert_eq!(served.key_store().await.list().await.expect("a list").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_needs_its_permission_and_its_binding() {
    let served = Served::with_keys().await;
    let reader = served.key(Grant::new([Permission::Read]).bindings([STORE])).await;
    let kv = Kv::new(driver(&served, &reader, STORE));
    assert_eq!(kv.get("k").await.expect("a get"), None);
    kv.put("k", "v", PutOptions::new()).await.expect_err("it may not write");
    kv.delete("k").await.expect_err("it may not delete");
    kv.scan_keys_page("", ScanOptions::new()).await.expect_err("it may not scan");
    Kv::new(driver(&served, &reader, OTHER)).get("k").await.expect_err("it may not open this");
    assert_eq!(served.store(STORE).await.get("k").await.expect("a get"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_neighbours_key_takes_no_longer_than_nobodys() {
    let (served, key) = wall().await;
    let kv = Kv::new(driver(&served, &key, STORE));
    let (mut theirs, mut nobodys) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        for (name, times) in [("card", &mut theirs), ("cord", &mut nobodys)] {
            let begun = Instant::now();
            assert_eq!(kv.get(name).await.expect("a get"), None);
            times.push(begun.elapsed());
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (theirs, nobodys) = (median(theirs), median(nobodys));
    let far = theirs.max(nobodys) - theirs.min(nobodys);
    assert!(far < theirs.min(nobodys) / 4, "{theirs:?} for a neighbour's key, {nobodys:?} for nobody's");
}
