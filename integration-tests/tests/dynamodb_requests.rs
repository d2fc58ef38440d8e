//! What each operation costs on DynamoDB: requests and bytes, counted between the driver and the server.
//!
//! The numbers stand in `docs/layouts.md`.

#[path = "requests/bench.rs"]
mod bench;
#[path = "requests/budget.rs"]
mod budget;

use integration_tests::dynamodb::Table as Place;
use larder_core::{PutOptions, ScanOptions, TouchOptions};

use bench::{Bench, HOUR, ttl};

const EMULATOR: &str = "dynoxide";
const SCAN: &str = "Query";
const SHARDS: u16 = 16;

#[tokio::test]
async fn single_operations_cost_one_request() {
    let bench = Bench::new().await;
    let kv = &bench.kv;
    bench.costs("put", &[("PutItem", 1)], async { drop(bench.put("a", ttl()).await) }).await;
    bench
        .costs("get", &[("GetItem", 1)], async { assert!(kv.get("a").await.expect("a get").is_some()) })
        .await;
    bench
        .costs("get, absent", &[("GetItem", 1)], async {
            assert!(kv.get("b").await.expect("a get").is_none())
        })
        .await;
    bench.costs("exists", &[("GetItem", 1)], async { assert!(kv.exists("a").await.expect("exists")) }).await;
    bench.costs("delete", &[("DeleteItem", 1)], async { kv.delete("a").await.expect("a delete") }).await;
    bench
        .costs("delete, absent", &[("DeleteItem", 1)], async { kv.delete("a").await.expect("a delete") })
        .await;
    bench.costs("check", &[("GetItem", 1)], async { _ = kv.check().await.expect("a check") }).await;
}

#[tokio::test]
async fn a_new_table_costs_four_requests_and_a_known_one_one() {
    let bench = Bench::new().await;
    let known = bench.place.handle(bench.proxy.url()).await;
    bench
        .costs("the layout, once", &[("GetItem", 3)], async {
            for _ in 0..2 {
                assert!(!known.exists("a").await.expect("exists"));
            }
        })
        .await;
    let first = Place::create_empty().await.handle(bench.proxy.url()).await;
    bench
        .costs("the layout, new store", &[("GetItem", 3), ("Scan", 1), ("PutItem", 1)], async {
            assert!(!first.exists("a").await.expect("exists"));
        })
        .await;
}

#[tokio::test]
async fn conditions_cost_one_request_whether_they_hold_or_not() {
    let bench = Bench::new().await;
    let create = || ttl().if_not_exists();
    bench
        .costs("put if absent, wins", &[("PutItem", 1)], async {
            assert!(bench.put("a", create()).await.is_some())
        })
        .await;
    bench
        .costs("put if absent, loses", &[("PutItem", 1)], async {
            assert!(bench.put("a", create()).await.is_none())
        })
        .await;
    bench.clock.advance(HOUR);
    bench
        .costs("put if absent, over an expired row", &[("PutItem", 1)], async {
            assert!(bench.put("a", create()).await.is_some());
        })
        .await;
    let version = bench.put("a", ttl()).await.expect("stored");
    let swap = || ttl().if_version(version.clone());
    bench
        .costs("put if version, holds", &[("PutItem", 1)], async {
            assert!(bench.put("a", swap()).await.is_some())
        })
        .await;
    bench
        .costs("put if version, fails", &[("PutItem", 1)], async {
            assert!(bench.put("a", swap()).await.is_none())
        })
        .await;
    bench
        .costs("delete if version, fails", &[("DeleteItem", 1)], async {
            let outcome = bench.kv.delete_if_version("a", version.clone()).await.expect("a delete");
            assert!(!outcome.is_deleted());
        })
        .await;
    let version = bench.put("a", ttl()).await.expect("stored");
    bench
        .costs("delete if version, holds", &[("DeleteItem", 1)], async {
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
async fn touch_and_increment_cost_one_request() {
    let bench = Bench::new().await;
    let kv = &bench.kv;
    bench.put("a", ttl()).await;
    let touch = || TouchOptions::expire_after(HOUR);
    bench
        .costs("touch", &[("UpdateItem", 1)], async {
            assert!(kv.touch("a", touch()).await.expect("a touch").is_touched())
        })
        .await;
    bench
        .costs("touch, absent", &[("UpdateItem", 1)], async {
            assert!(!kv.touch("b", touch()).await.expect("a touch").is_touched());
        })
        .await;
    let add = async |what: &str, sum: i64, requests: &[(&str, u64)]| {
        let counts = bench
            .count(async {
                assert_eq!(kv.increment("n", 5, HOUR).await.expect("an increment"), sum, "{what}")
            })
            .await;
        for (operation, count) in requests {
            assert_eq!(counts.of(operation).requests, *count, "{what}: {counts:?}");
        }
        assert_eq!(counts.total().requests, requests.iter().map(|(_, count)| count).sum::<u64>(), "{what}");
        println!("increment, {what}: {requests:?}");
    };
    add("creates", 5, &[("UpdateItem", 1)]).await;
    for round in 2..20 {
        add("adds", 5 * round, &[("UpdateItem", 1)]).await;
    }
    bench.clock.advance(HOUR);
    add("over an expired counter", 5, &[("UpdateItem", 1), ("PutItem", 1)]).await;
}

#[tokio::test]
async fn batches_cost_a_request_a_chunk() {
    let bench = Bench::new().await;
    let keys: Vec<String> = (0..100).map(|number| format!("key-{number}")).collect();
    bench.costs("put_many of 100", &[("BatchWriteItem", 4)], bench.put_all(&keys)).await;
    bench
        .costs("get_many of 100", &[("BatchGetItem", 1)], async {
            let found = bench.kv.get_many(&keys).await.expect("a batch");
            assert!(found.iter().all(|entry| matches!(entry, Ok(Some(_)))));
        })
        .await;
    bench
        .costs("delete_many of 100", &[("BatchWriteItem", 4)], async {
            for deleted in bench.kv.delete_many(&keys).await.expect("a batch") {
                deleted.expect("a delete");
            }
        })
        .await;
}

#[tokio::test]
async fn values_travel_only_where_they_are_wanted() {
    let bench = Bench::new().await;
    let large = vec![b'x'; 24_576];
    for number in 0..10 {
        bench.kv.put(format!("k{number}"), large.clone(), PutOptions::new()).await.expect("a put");
    }
    let counts = bench.count(async { assert!(bench.kv.exists("k0").await.expect("exists")) }).await;
    assert!(counts.total().reply_bytes < 300, "{counts:?}");
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
    assert!(counts.total().reply_bytes < 4_000, "{counts:?}");
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
                    if cursor.is_none() {
                        break;
                    }
                }
            })
            .await;
        assert_eq!(found, keys, "pages of {limit}");
        let per_shard = counts.of("Query").requests as f64 / f64::from(16 * pages);
        println!("pages of {limit}: {per_shard:.3} requests a shard and page");
        assert!(per_shard < 1.2, "pages of {limit}: {counts:?} for {pages} pages");
    }
}
