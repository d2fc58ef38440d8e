//! A page's budget where most rows have expired (S2): it comes back short rather than late, and the scan goes on.

use larder_core::driver::Shard;
use larder_core::{CanonicalKey, Layout, ScanOptions};

use crate::bench::{Bench, HOUR, ttl};
use crate::{SCAN, SHARDS};

/// A page is given up after so many rounds of requests.
const ROUNDS: u64 = 4;
const LIMIT: usize = 50;

/// Scans in pages, each within its budget; returns the keys, and the number of pages.
async fn scan(bench: &Bench) -> (Vec<String>, usize) {
    let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let options = ScanOptions::new().limit(LIMIT).cursor(cursor.take());
        let mut page = None;
        let counts =
            bench.count(async { page = Some(bench.kv.scan_page("k", options).await.expect("a page")) }).await;
        let page = page.expect("a page");
        // At most one request for each shard in a round, and nothing else.
        assert!(counts.of(SCAN).requests <= ROUNDS * u64::from(SHARDS), "{counts:?}");
        assert_eq!(counts.total().requests, counts.of(SCAN).requests, "{counts:?}");
        cursor = page.cursor.clone();
        found.extend(page.into_entries().expect("entries").into_iter().map(|entry| entry.key().to_owned()));
        pages += 1;
        assert!(pages < 200, "the scan does not come forward");
        if cursor.is_none() {
            return (found, pages);
        }
    }
}

#[tokio::test]
async fn a_prefix_full_of_expired_rows_keeps_to_its_budget() {
    let bench = Bench::new().await;
    let keys: Vec<String> = (0..4_000).map(|number| format!("k{number:05}")).collect();
    bench.fill(&keys, Some(HOUR)).await;
    bench.clock.advance(HOUR);
    bench.put("k99999", ttl()).await;
    let (found, pages) = scan(&bench).await;
    assert_eq!(found, ["k99999"]);
    // Rows that a page has read and not given are not read again by the next.
    assert!(pages > 1, "the budget was never met");
    println!("{} expired rows: {pages} pages of {LIMIT}", keys.len());
}

#[tokio::test]
async fn a_shard_full_of_expired_rows_keeps_to_its_budget() {
    let bench = Bench::new().await;
    let layout = Layout::new(SHARDS);
    let is_in_the_first = |key: &String| {
        layout.shard_of(&CanonicalKey::from_canonical(key).expect("a canonical key")) == Shard(0)
    };
    let numbers = (0..2_000 * usize::from(SHARDS)).map(|number| format!("k{number:06}"));
    let (full, others): (Vec<_>, Vec<_>) = numbers.partition(is_in_the_first);
    let full = &full[..1_500];
    bench.fill(full, Some(HOUR)).await;
    bench.clock.advance(HOUR);
    // Live entries in the same range: where there are other shards, in those, and one behind all in this one.
    let mut live: Vec<_> = others.into_iter().step_by(150).collect();
    live.push("k99999".to_owned());
    bench.fill(&live, None).await;
    let (found, pages) = scan(&bench).await;
    assert_eq!(found, live);
    assert!(pages > 1 + live.len() / LIMIT, "the budget was never met: {pages} pages");
    println!("{} expired rows of one shard: {pages} pages of {LIMIT}", full.len());
}
