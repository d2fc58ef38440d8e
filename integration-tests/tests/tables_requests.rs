//! What each operation costs on Azure Tables: requests and bytes, counted between the driver and the server.
//!
//! The numbers stand in `docs/layouts.md`.

#[path = "requests/bench.rs"]
mod bench;
#[path = "requests/budget.rs"]
mod budget;

use std::collections::HashMap;

use integration_tests::tables::Table as Place;
use larder_core::driver::Shard;
use larder_core::{
    CanonicalKey, Entry, Kv, Layout, MAX_VALUE_BYTES, PutOptions, ScanOptions, SweepOutcome, TouchOptions,
    Version,
};

use bench::{Bench, HOUR, patient, ttl};

const EMULATOR: &str = "azurite";
const SCAN: &str = "GET";
const SHARDS: u16 = 16;

#[tokio::test]
async fn single_operations_cost_one_request() {
    let bench = Bench::new().await;
    let kv = &bench.kv;
    bench.costs("put", &[("PUT", 1)], async { drop(bench.put("a", ttl()).await) }).await;
    bench.costs("get", &[("GET", 1)], async { assert!(kv.get("a").await.expect("a get").is_some()) }).await;
    bench
        .costs("get, absent", &[("GET", 1)], async { assert!(kv.get("b").await.expect("a get").is_none()) })
        .await;
    bench.costs("exists", &[("GET", 1)], async { assert!(kv.exists("a").await.expect("exists")) }).await;
    bench.costs("delete", &[("DELETE", 1)], async { kv.delete("a").await.expect("a delete") }).await;
    bench.costs("delete, absent", &[("DELETE", 1)], async { kv.delete("a").await.expect("a delete") }).await;
    bench.costs("check", &[("GET", 1)], async { _ = kv.check().await.expect("a check") }).await;
    let other = bench.place.handle(bench.proxy.url()).await;
    bench
        .costs("the layout, once", &[("GET", 3)], async {
            for _ in 0..2 {
                other.exists("a").await.expect("exists");
            }
        })
        .await;
    let table = Place::create_with(16).await;
    let first = table.handle(bench.proxy.url()).await;
    bench
        .costs("the layout, new store", &[("GET", 4), ("POST", 1)], async {
            first.exists("a").await.expect("exists");
        })
        .await;
}

#[tokio::test]
async fn conditions_cost_one_request_where_they_hold() {
    let bench = Bench::new().await;
    let create = || ttl().if_not_exists();
    bench
        .costs("put if absent, wins", &[("POST", 1)], async {
            assert!(bench.put("a", create()).await.is_some())
        })
        .await;
    bench
        .costs("put if absent, loses", &[("POST", 1), ("GET", 1)], async {
            assert!(bench.put("a", create()).await.is_none());
        })
        .await;
    bench.clock.advance(HOUR);
    bench
        .costs("put if absent, over an expired row", &[("POST", 1), ("GET", 1), ("PUT", 1)], async {
            assert!(bench.put("a", create()).await.is_some());
        })
        .await;
    let version = bench.put("a", ttl()).await.expect("stored");
    let swap = || ttl().if_version(version.clone());
    bench
        .costs("put if version, holds", &[("PUT", 1)], async {
            assert!(bench.put("a", swap()).await.is_some())
        })
        .await;
    bench
        .costs("put if version, fails", &[("PUT", 1), ("GET", 1)], async {
            assert!(bench.put("a", swap()).await.is_none());
        })
        .await;
    bench
        .costs("delete if version, fails", &[("DELETE", 1), ("GET", 1)], async {
            let outcome = bench.kv.delete_if_version("a", version.clone()).await.expect("a delete");
            assert!(!outcome.is_deleted());
        })
        .await;
    let stale = version;
    let version = bench.put("a", ttl()).await.expect("stored");
    bench
        .costs("touch if version", &[("MERGE", 1)], async {
            let touch = TouchOptions::expire_after(HOUR).if_version(version);
            assert!(bench.kv.touch("a", touch).await.expect("a touch").is_touched());
        })
        .await;
    bench
        .costs("touch if version, fails", &[("MERGE", 1), ("GET", 1)], async {
            let touch = TouchOptions::expire_after(HOUR).if_version(stale);
            assert!(!bench.kv.touch("a", touch).await.expect("a touch").is_touched());
        })
        .await;
    let version = bench.put("a", ttl()).await.expect("stored");
    bench
        .costs("delete if version, holds", &[("DELETE", 1)], async {
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
async fn touch_and_increment_cost_two_requests() {
    let bench = Bench::new().await;
    let kv = &bench.kv;
    bench.put("a", ttl()).await;
    let touch = || TouchOptions::expire_after(HOUR);
    bench
        .costs("touch", &[("GET", 1), ("MERGE", 1)], async {
            assert!(kv.touch("a", touch()).await.expect("a touch").is_touched());
        })
        .await;
    bench
        .costs("touch, absent", &[("GET", 1)], async {
            assert!(!kv.touch("b", touch()).await.expect("a touch").is_touched());
        })
        .await;
    let add = async |sum: i64| assert_eq!(kv.increment("n", 5, HOUR).await.expect("an increment"), sum);
    bench.costs("increment, creates", &[("GET", 1), ("POST", 1)], add(5)).await;
    for round in 2..20 {
        bench.costs("increment, adds", &[("GET", 1), ("PUT", 1)], add(5 * round)).await;
    }
    bench.clock.advance(HOUR);
    bench.costs("increment over an expired counter", &[("GET", 1), ("PUT", 1)], add(5)).await;
}

#[tokio::test]
async fn batches_cost_a_group_for_a_shard_and_hundred() {
    let bench = Bench::new().await;
    let keys: Vec<String> = (0..1_000).map(|number| format!("key-{number}")).collect();
    bench.costs("put_many of 100", &[("POST", 16)], bench.put_all(&keys[..100])).await;
    bench.costs("put_many of 1,000", &[("POST", 16)], bench.put_all(&keys)).await;
    bench
        .costs("get_many of 100", &[("GET", 100)], async {
            let found = bench.kv.get_many(&keys[..100]).await.expect("a batch");
            assert!(found.iter().all(|entry| matches!(entry, Ok(Some(_)))));
        })
        .await;
    bench
        .costs("delete_many of 100", &[("DELETE", 100)], async {
            for deleted in bench.kv.delete_many(&keys[..100]).await.expect("a batch") {
                deleted.expect("a delete");
            }
        })
        .await;
    let connections = bench.proxy.counts().await.connections;
    assert!(connections <= 32, "{connections} connections for 100 requests");
}

/// Puts values of that many bytes.
async fn put_sized(kv: &Kv, keys: &[String], size: usize) -> Vec<Version> {
    let values = keys.iter().map(|key| (key, format!("{key:->size$}")));
    let stored = kv.put_many(values, None).await.expect("a batch");
    stored.into_iter().map(|version| version.expect("a put")).collect()
}

/// What the largest batches cost: one group for each hundred rows of a shard, and no more, however the caller ordered them.
#[tokio::test]
async fn more_rows_than_a_request_has_are_divided_between_groups_alone() {
    let bench = Bench::new().await;
    let kv = patient(&bench.place, bench.proxy.url()).await;
    let layout = Layout::new(SHARDS);
    for (count, size) in [(1_500, 30), (2_500, 30), (1_000, MAX_VALUE_BYTES)] {
        let keys: Vec<String> = (0..count).map(|number| format!("key-{number:04}")).collect();
        let mut shards: HashMap<Shard, u64> = HashMap::new();
        for key in &keys {
            *shards
                .entry(layout.shard_of(&CanonicalKey::from_canonical(key).expect("a key")))
                .or_default() += 1;
        }
        let groups: u64 = shards.values().map(|rows| rows.div_ceil(100)).sum();
        let mut versions = Vec::new();
        let what = format!("put_many of {count}, {size} bytes each");
        bench.costs(&what, &[("POST", groups)], async { versions = put_sized(&kv, &keys, size).await }).await;
        // Each position was told of its own row.
        let found = kv.scan_collect("", 3_000).await.expect("a scan").into_entries().expect("entries");
        let found: HashMap<_, _> = found.iter().map(|entry| (entry.key(), entry.version())).collect();
        for (key, version) in keys.iter().zip(&versions) {
            assert_eq!(found.get(&**key), Some(&version), "{what}: {key}");
        }
    }
}

#[tokio::test]
async fn one_shard_takes_a_group_for_every_hundred_rows() {
    let bench = Bench::new().await;
    let place = Place::create_with(1).await;
    let kv = patient(&place, bench.proxy.url()).await;
    let keys: Vec<String> = (0..250).map(|number| format!("key-{number:03}")).collect();
    let put = async |keys: &[String], size: usize| drop(put_sized(&kv, keys, size).await);
    bench.costs("put_many of 250", &[("POST", 3)], put(&keys, 10)).await;
    bench.costs("put_many of 200 full values", &[("POST", 2)], put(&keys[..200], MAX_VALUE_BYTES)).await;
    let mut rows = Vec::new();
    for group in bench.proxy.settled().await {
        assert!(group.request.len() <= 4 * 1024 * 1024, "a group of {} bytes", group.request.len());
        rows.push(String::from_utf8_lossy(&group.request).matches("HTTP/1.1\r\n").count());
    }
    rows.sort_unstable();
    assert_eq!(rows, [100, 100]);
    let found = kv.scan_collect("", 1_000).await.expect("a scan").into_entries().expect("entries");
    assert_eq!(found.iter().map(Entry::key).collect::<Vec<_>>(), keys);
    let sizes = found.iter().map(|entry| entry.value().len());
    assert!(sizes.eq((0..250).map(|at| if at < 200 { MAX_VALUE_BYTES } else { 10 })));
}

#[tokio::test]
async fn a_sweep_costs_what_it_removes() {
    let bench = Bench::new().await;
    let lease_and_search = [("POST", 1), ("GET", 17), ("DELETE", 1)];
    // With the time for an attempt that a sweep's round is made for.
    let driver = bench.place.driver(bench.proxy.url()).await;
    let kv = Kv::builder(driver).clock(bench.place.clock()).build();
    kv.exists("warm").await.expect("it works");
    let swept = async |expected: usize| {
        let outcome = kv.sweep().await.expect("a sweep");
        assert_eq!(outcome, SweepOutcome::Swept { removed: expected });
    };
    bench.costs("sweep, nothing expired", &lease_and_search, swept(0)).await;
    let entries = (0..100).map(|number| (format!("key-{number}"), "value"));
    for stored in bench.kv.put_many(entries, HOUR).await.expect("a batch") {
        stored.expect("a put");
    }
    bench.clock.advance(HOUR);
    bench.costs("sweep of 100", &[("POST", 1), ("GET", 17), ("DELETE", 101)], swept(100)).await;
}

#[tokio::test]
async fn values_and_metadata_travel_only_where_they_are_wanted() {
    let bench = Bench::new().await;
    let large = vec![b'x'; 24_576];
    for number in 0..10 {
        bench.kv.put(format!("k{number}"), large.clone(), PutOptions::new()).await.expect("a put");
    }
    let counts = bench.count(async { assert!(bench.kv.exists("k0").await.expect("exists")) }).await;
    assert!(counts.total().reply_bytes < 500, "{counts:?}");
    let counts = bench
        .count(async { drop(bench.kv.touch("k0", TouchOptions::persist()).await.expect("a touch")) })
        .await;
    let moved = counts.total().request_bytes + counts.total().reply_bytes;
    assert!(moved < 1_000, "{counts:?}");
    let counts = bench
        .count(async {
            let page = bench.kv.scan_keys_page("k", ScanOptions::new()).await.expect("a page");
            assert_eq!(page.items.len(), 10);
        })
        .await;
    // Each of the 16 answers names the table.
    assert!(counts.total().reply_bytes < 8_000, "{counts:?}");
    // The value as base64, and less than a kilobyte beside it.
    let counts = bench.count(async { drop(bench.kv.get("k0").await.expect("a get")) }).await;
    assert!(counts.total().reply_bytes < 32_768 + 1_024, "{counts:?}");
}

#[tokio::test]
async fn a_page_costs_one_round() {
    let bench = Bench::new().await;
    let keys: Vec<String> = (0..3_000).map(|number| format!("k{number:05}")).collect();
    bench.fill(&keys, None).await;
    for limit in [10, 100, 1_000] {
        let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0_u32);
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
                    if cursor.is_none() || (limit == 10 && pages == 50) {
                        break;
                    }
                }
            })
            .await;
        assert_eq!(found, keys[..found.len()], "pages of {limit}");
        let per_shard = counts.of("GET").requests as f64 / f64::from(16 * pages);
        println!("pages of {limit}: {per_shard:.3} requests a shard and page");
        assert!(per_shard < 1.2, "pages of {limit}: {counts:?} for {pages} pages");
    }
}
