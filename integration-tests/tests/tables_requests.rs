//! What each operation costs on Azure Tables: requests and bytes, counted between the driver and the server.
//!
//! The numbers stand in `docs/layouts.md`.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::proxy::{Counts, FaultProxy};
use integration_tests::tables::Table;
use larder_conformance::emulator;
use larder_core::{Kv, ManualClock, PutOptions, ScanOptions, SweepOutcome, TouchOptions, Version};

use tokio::sync::{Mutex, MutexGuard};

const HOUR: Duration = Duration::from_secs(3_600);

/// One test at a time: a search that takes long is made in another way, which costs more.
static ALONE: Mutex<()> = Mutex::const_new(());

struct Bench {
    _alone: MutexGuard<'static, ()>,
    proxy: FaultProxy,
    table: Table,
    kv: Kv,
    clock: Arc<ManualClock>,
}

impl Bench {
    async fn new() -> Self {
        let alone = ALONE.lock().await;
        let proxy = FaultProxy::start(env!("CARGO_BIN_EXE_fault-proxy"), &emulator("azurite"));
        let table = Table::create().await;
        let kv = table.handle(proxy.url()).await;
        // The layout is read once.
        kv.exists("warm").await.expect("it works");
        Self { _alone: alone, proxy, kv, clock: table.clock(), table }
    }

    /// What the work sends.
    async fn count(&self, work: impl Future<Output = ()>) -> Counts {
        self.proxy.reset().await;
        work.await;
        self.proxy.counts().await
    }

    /// Asserts that the work sends these requests, and no others.
    async fn costs(&self, what: &str, requests: &[(&str, u64)], work: impl Future<Output = ()>) -> Counts {
        let counts = self.count(work).await;
        for (operation, number) in requests {
            assert_eq!(counts.of(operation).requests, *number, "{what}: {counts:?}");
        }
        let all: u64 = requests.iter().map(|(_, number)| number).sum();
        assert_eq!(counts.total().requests, all, "{what}: {counts:?}");
        println!("{what}: {requests:?}");
        counts
    }

    async fn put(&self, key: &str, options: PutOptions) -> Option<Version> {
        match self.kv.put(key, "value", options).await.expect("a put") {
            larder_core::PutOutcome::Stored(version) => Some(version),
            larder_core::PutOutcome::ConditionFailed(_) => None,
        }
    }
}

fn ttl() -> PutOptions {
    PutOptions::new().ttl(HOUR)
}

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
    let other = bench.table.handle(bench.proxy.url()).await;
    bench
        .costs("the layout, once", &[("GET", 3)], async {
            for _ in 0..2 {
                other.exists("a").await.expect("exists");
            }
        })
        .await;
    let table = Table::create_with(16).await;
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
    let version = bench.put("a", ttl()).await.expect("stored");
    bench
        .costs("touch if version", &[("MERGE", 1)], async {
            let touch = TouchOptions::expire_after(HOUR).if_version(version);
            assert!(bench.kv.touch("a", touch).await.expect("a touch").is_touched());
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
    let put = async |keys: &[String]| {
        for stored in bench.kv.put_many(keys.iter().map(|key| (key, "value")), None).await.expect("a batch") {
            stored.expect("a put");
        }
    };
    bench.costs("put_many of 100", &[("POST", 16)], put(&keys[..100])).await;
    bench.costs("put_many of 1,000", &[("POST", 16)], put(&keys)).await;
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

#[tokio::test]
async fn a_sweep_costs_what_it_removes() {
    let bench = Bench::new().await;
    let lease_and_search = [("POST", 1), ("GET", 17), ("DELETE", 1)];
    // With the time for an attempt that a sweep's round is made for.
    let driver = bench.table.driver(bench.proxy.url()).await;
    let kv = Kv::builder(driver).clock(bench.table.clock()).build();
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
    for stored in bench.kv.put_many(keys.iter().map(|key| (key, "value")), None).await.expect("a batch") {
        stored.expect("a put");
    }
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
