//! What each operation costs on Firestore: requests and bytes, counted between the driver and the server.
//!
//! The numbers stand in `docs/layouts.md`.

#[path = "requests/bench.rs"]
mod bench;
#[path = "requests/budget.rs"]
mod budget;

use integration_tests::firestore::Collection as Place;
use larder_conformance::emulator;
use larder_core::{MAX_VALUE_BYTES, PutOptions, ScanOptions, TouchOptions};

use bench::{Bench, HOUR, patient, ttl};

const EMULATOR: &str = "hidane";
const READ: &str = "BatchGetDocuments";
const WRITE: &str = "Commit";
const SCAN: &str = "RunQuery";
const SHARDS: u16 = 1;

#[tokio::test]
async fn single_operations_cost_one_request() {
    let bench = Bench::new().await;
    let kv = &bench.kv;
    bench.costs("put", &[(WRITE, 1)], async { drop(bench.put("a", ttl()).await) }).await;
    bench.costs("get", &[(READ, 1)], async { assert!(kv.get("a").await.expect("a get").is_some()) }).await;
    bench
        .costs("get, absent", &[(READ, 1)], async { assert!(kv.get("b").await.expect("a get").is_none()) })
        .await;
    bench.costs("exists", &[(READ, 1)], async { assert!(kv.exists("a").await.expect("exists")) }).await;
    bench.costs("delete", &[(WRITE, 1)], async { kv.delete("a").await.expect("a delete") }).await;
    bench.costs("delete, absent", &[(WRITE, 1)], async { kv.delete("a").await.expect("a delete") }).await;
    bench
        .costs("check", &[(READ, 1)], async {
            assert!(kv.check().await.expect("a check").clock_skew_millis.is_some())
        })
        .await;
}

#[tokio::test]
async fn a_condition_that_does_not_hold_costs_a_read_more() {
    let bench = Bench::new().await;
    let create = || ttl().if_not_exists();
    bench
        .costs("put if absent, wins", &[(WRITE, 1)], async {
            assert!(bench.put("a", create()).await.is_some())
        })
        .await;
    bench
        .costs("put if absent, loses", &[(WRITE, 1), (READ, 1)], async {
            assert!(bench.put("a", create()).await.is_none())
        })
        .await;
    bench.clock.advance(HOUR);
    bench
        .costs("put if absent, over an expired row", &[(WRITE, 2), (READ, 1)], async {
            assert!(bench.put("a", create()).await.is_some());
        })
        .await;
    let version = bench.put("a", ttl()).await.expect("stored");
    let swap = || ttl().if_version(version.clone());
    bench
        .costs("put if version, holds", &[(WRITE, 1)], async {
            assert!(bench.put("a", swap()).await.is_some())
        })
        .await;
    bench
        .costs("put if version, fails", &[(WRITE, 1), (READ, 1)], async {
            assert!(bench.put("a", swap()).await.is_none())
        })
        .await;
    bench
        .costs("delete if version, fails", &[(WRITE, 1), (READ, 1)], async {
            let outcome = bench.kv.delete_if_version("a", version.clone()).await.expect("a delete");
            assert!(!outcome.is_deleted());
        })
        .await;
    let version = bench.put("a", ttl()).await.expect("stored");
    bench
        .costs("delete if version, holds", &[(WRITE, 1)], async {
            assert!(bench.kv.delete_if_version("a", version).await.expect("a delete").is_deleted());
        })
        .await;
    // A version that has expired is refused without a request.
    let version = bench.put("a", ttl()).await.expect("stored");
    bench.clock.advance(HOUR);
    let expired = ttl().if_version(version);
    bench
        .costs("put if version, expired", &[], async { assert!(bench.put("a", expired).await.is_none()) })
        .await;
}

#[tokio::test]
async fn touch_and_increment_cost_a_read_and_a_write() {
    let bench = Bench::new().await;
    let kv = &bench.kv;
    bench.put("a", ttl()).await;
    let touch = || TouchOptions::expire_after(HOUR);
    bench
        .costs("touch", &[(READ, 1), (WRITE, 1)], async {
            assert!(kv.touch("a", touch()).await.expect("a touch").is_touched())
        })
        .await;
    bench
        .costs("touch, absent", &[(READ, 1)], async {
            assert!(!kv.touch("b", touch()).await.expect("a touch").is_touched());
        })
        .await;
    let version = bench.put("a", ttl()).await.expect("stored");
    let touch_under = touch().if_version(version);
    bench
        .costs("touch if version", &[(WRITE, 1)], async {
            assert!(kv.touch("a", touch_under.clone()).await.expect("a touch").is_touched());
        })
        .await;
    bench
        .costs("touch if version, fails", &[(WRITE, 1), (READ, 1)], async {
            assert!(!kv.touch("a", touch_under.clone()).await.expect("a touch").is_touched());
        })
        .await;
    let add = async |what: &str, sum: i64| {
        bench
            .costs(what, &[(READ, 1), (WRITE, 1)], async {
                assert_eq!(kv.increment("n", 5, HOUR).await.expect("an increment"), sum, "{what}")
            })
            .await;
    };
    add("increment, creates", 5).await;
    for round in 2..20 {
        add("increment, adds", 5 * round).await;
    }
    bench.clock.advance(HOUR);
    add("increment, over an expired counter", 5).await;
    bench.put("text", ttl()).await;
    bench
        .costs("increment, no number", &[(READ, 1)], async {
            drop(kv.increment("text", 1, HOUR).await.expect_err("no number"))
        })
        .await;
}

#[tokio::test]
async fn a_new_collection_costs_four_requests_and_a_known_one_one() {
    let bench = Bench::new().await;
    let other = Place::create().await;
    let kv = other.handle(bench.proxy.url()).await;
    bench
        .costs("layout, known", &[(READ, 2)], async { assert!(!kv.exists("a").await.expect("exists")) })
        .await;
    larder_firestore::testing::remove_layout(&other.driver(&emulator(EMULATOR)).await)
        .await
        .expect("removed");
    let kv = other.handle(bench.proxy.url()).await;
    bench
        .costs("layout, new", &[(READ, 3), (WRITE, 1), (SCAN, 1)], async {
            assert!(!kv.exists("a").await.expect("exists"))
        })
        .await;
}

#[tokio::test]
async fn batches_cost_a_request_a_chunk() {
    let bench = Bench::new().await;
    let keys: Vec<String> = (0..600).map(|number| format!("key-{number}")).collect();
    for (count, reads, writes) in [(100, 1, 1), (600, 6, 2)] {
        let keys = &keys[..count];
        bench.costs(&format!("put_many of {count}"), &[("BatchWrite", writes)], bench.put_all(keys)).await;
        bench
            .costs(&format!("get_many of {count}"), &[(READ, reads)], async {
                let found = bench.kv.get_many(keys).await.expect("a batch");
                assert!(found.iter().all(|entry| matches!(entry, Ok(Some(_)))));
            })
            .await;
        bench
            .costs(&format!("delete_many of {count}"), &[("BatchWrite", writes)], async {
                for deleted in bench.kv.delete_many(keys).await.expect("a batch") {
                    deleted.expect("a delete");
                }
            })
            .await;
    }
    let large = vec![b'x'; MAX_VALUE_BYTES];
    bench
        .costs("put_many of 100 full values", &[("BatchWrite", 1)], async {
            let values = keys[..100].iter().map(|key| (key, large.clone()));
            for stored in bench.kv.put_many(values, None).await.expect("a batch") {
                stored.expect("a put");
            }
        })
        .await;
}

/// A request takes 10 MiB; a batch's has 4 MiB of values and keys, which are 167 of the largest.
#[tokio::test]
async fn the_largest_batch_fits_into_a_request() {
    let bench = Bench::new().await;
    let kv = patient(&bench.place, bench.proxy.url()).await;
    // The longest keys, too: 3 bytes of a name for a character of a key.
    let keys: Vec<String> = (0..200).map(|number| format!("{number:03}{}", "~".repeat(169))).collect();
    let value = |key: &String| format!("{key:->MAX_VALUE_BYTES$}");
    bench
        .costs("put_many of 200 full values", &[("BatchWrite", 2)], async {
            for stored in kv.put_many(keys.iter().map(|key| (key, value(key))), None).await.expect("a batch")
            {
                stored.expect("a put");
            }
        })
        .await;
    let mut sizes: Vec<_> = bench.proxy.settled().await.iter().map(|batch| batch.request.len()).collect();
    sizes.sort_unstable();
    println!("BatchWrites of {sizes:?} bytes");
    assert!((33 * MAX_VALUE_BYTES..900_000).contains(&sizes[0]), "{sizes:?}");
    assert!((167 * MAX_VALUE_BYTES..5_000_000).contains(&sizes[1]), "{sizes:?}");
    for (key, found) in keys.iter().zip(kv.get_many(&keys).await.expect("a batch")) {
        let found = found.expect("a read").expect("it is there");
        assert!(found.value() == value(key).as_bytes(), "the value of {}", &key[..3]);
    }
}

#[tokio::test]
async fn values_travel_only_where_they_are_wanted() {
    let bench = Bench::new().await;
    let large = vec![b'x'; 24_576];
    for number in 0..10 {
        bench.kv.put(format!("k{number}"), large.clone(), PutOptions::new()).await.expect("a put");
    }
    let counts = bench.count(async { assert!(bench.kv.exists("k0").await.expect("exists")) }).await;
    assert!(counts.total().reply_bytes < 400, "{counts:?}");
    let counts = bench
        .count(async { drop(bench.kv.touch("k0", TouchOptions::persist()).await.expect("a touch")) })
        .await;
    let moved = counts.total().request_bytes + counts.total().reply_bytes;
    assert!(moved < 1_500, "{counts:?}");
    let counts = bench
        .count(async {
            let page = bench.kv.scan_keys_page("k", ScanOptions::new()).await.expect("a page");
            assert_eq!(page.items.len(), 10);
        })
        .await;
    assert!(counts.total().reply_bytes < 4_000, "{counts:?}");
}

#[tokio::test]
async fn a_page_costs_one_request() {
    let bench = Bench::new().await;
    let keys: Vec<String> = (0..1_500).map(|number| format!("k{number:05}")).collect();
    bench.fill(&keys, None).await;
    for limit in [10, 100, 1_000] {
        let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
        let counts = bench
            .count(async {
                loop {
                    let options = ScanOptions::new().limit(limit).cursor(cursor.take());
                    let page = bench.kv.scan_page("k", options).await.expect("a page");
                    assert!(page.items.len() == limit || page.cursor.is_none(), "{} items", page.items.len());
                    cursor = page.cursor.clone();
                    found.extend(
                        page.into_entries().expect("entries").into_iter().map(|e| e.key().to_owned()),
                    );
                    pages += 1;
                    if cursor.is_none() {
                        break;
                    }
                }
            })
            .await;
        assert_eq!(found, keys, "pages of {limit}");
        assert_eq!(counts.of(SCAN).requests, pages, "pages of {limit}: {counts:?}");
        assert_eq!(counts.total().requests, pages, "pages of {limit}: {counts:?}");
        println!("pages of {limit}: 1 request each");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_gets_the_connections_that_it_needs() {
    let bench = Bench::new().await;
    for (burst, most) in [(100, 1), (500, 5)] {
        let kv = bench.place.handle(bench.proxy.url()).await;
        kv.exists("warm").await.expect("it works");
        let before = bench.proxy.counts().await.connections;
        let puts = (0..burst).map(|number| {
            let kv = kv.clone();
            async move { kv.put(format!("key-{number}"), "value", PutOptions::new()).await }
        });
        for stored in futures_util::future::join_all(puts).await {
            assert!(stored.expect("a put").is_stored());
        }
        let further = bench.proxy.counts().await.connections - before;
        println!("{burst} at once: {further} connections more");
        assert!(further < most, "{burst} at once: {further} more");
    }
}
