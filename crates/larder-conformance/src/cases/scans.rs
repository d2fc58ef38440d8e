//! Scans: every live entry under a prefix, in order, once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, TryStreamExt};
use larder_core::driver::{Projection, Read, ScanRequest, ScanStart, StoredKey};
use larder_core::{AFTER_EVERY_KEY, Consistency, EntryInfo, ErrorKind, Kv, ScanOptions};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::context::Context;
use crate::support::{keys, ms, next_turn, secs, set, set_for, set_many, sorted};
use crate::wrap::{Counting, Hook};

cases! {
    "scans";
    a_prefix_selects_what_begins_with_it: S1 K2;
    random_keys_come_in_order: S1 K2;
    pages_streams_and_collections_agree: S4 S1;
    keys_alone_agree_with_whole_entries: S4 S1 T6;
    scans_of_keys_do_not_ask_for_values: S4;
    collections_have_a_maximum: S2 S4;
    expired_entries_are_passed_over: S1 T2;
    a_scan_beside_writers_misses_nothing_that_stays: S1;
    a_stream_ends_with_the_first_failure: S4 G3;
    a_driver_gives_its_rows_in_order: S1 S2;
    a_scan_goes_on_behind_a_deleted_key: S1 S3;
}

async fn a_prefix_selects_what_begins_with_it(context: Context) {
    let kv = context.kv().await;
    let all = ["a", "a:", "a:1", "a:10", "a:2", "a:~", "aa", "b", "A", "a/b", "a.", "-", "é", "éa", "~"]
        .map(str::to_owned);
    set_many(&kv, &all).await;
    for prefix in
        ["", "a", "a:", "a:1", "a:10", "a:100", "aa", "A", "é", "~", "a/", "c", "-", ".", "\u{10ffff}"]
    {
        let expected = sorted(all.iter().filter(|key| key.starts_with(prefix)));
        assert_eq!(keys(&kv, prefix).await, expected, "prefix {prefix:?}");
    }
    assert_eq!(keys(&context.kv().await, "").await.len(), all.len());
    let empty = kv.with_prefix("nothing-here").expect("a namespace");
    assert_eq!(keys(&empty, "").await, Vec::<String>::new());
}

async fn random_keys_come_in_order(context: Context) {
    let kv = context.kv().await;
    let mut rng = StdRng::seed_from_u64(context.seed());
    let mut all = BTreeSet::new();
    while all.len() < 200 {
        let length = rng.random_range(1..6);
        let key: String = (0..length)
            .map(|_| ['a', 'b', ':', '.', '/', '~', 'é', '🥫', 'Z'][rng.random_range(0..9)])
            .collect();
        all.insert(key);
    }
    set_many(&kv, &all.iter().cloned().collect::<Vec<_>>()).await;
    assert_eq!(keys(&kv, "").await, sorted(all.iter()));
    for prefix in ["a", "b:", "🥫", "é/", "~~"] {
        assert_eq!(
            keys(&kv, prefix).await,
            sorted(all.iter().filter(|key| key.starts_with(prefix))),
            "{prefix:?}"
        );
    }
}

/// Fills a store with `count` keys, with a lifetime for every third; returns the keys in order.
async fn fill(kv: &Kv, count: usize) -> Vec<String> {
    let all: Vec<String> = (0..count).map(|at| format!("k{at:05}")).collect();
    set_many(kv, &all).await;
    for key in all.iter().step_by(3).take(20) {
        set_for(kv, key, key, secs(900)).await;
    }
    all
}

async fn pages_streams_and_collections_agree(context: Context) {
    let kv = context.kv().await;
    let all = fill(&kv, 333).await;
    let streamed: Vec<_> = kv.scan("k").try_collect().await.expect("the scan works");
    let collected = kv.scan_collect("k", 10_000).await.expect("the scan works");
    assert!(collected.cursor.is_none());
    let collected = collected.into_entries().expect("entries");
    let mut paged = Vec::new();
    let mut cursor = None;
    loop {
        let page = kv.scan_page("k", ScanOptions::new().limit(50).cursor(cursor)).await.expect("a page");
        cursor = page.cursor.clone();
        next_turn().await;
        paged.extend(page.into_entries().expect("entries"));
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(streamed.iter().map(|entry| entry.key().to_owned()).collect::<Vec<_>>(), all);
    assert!(streamed == collected && streamed == paged, "the forms of a scan differ");
}

async fn keys_alone_agree_with_whole_entries(context: Context) {
    let kv = context.kv().await;
    fill(&kv, 120).await;
    context.advance(ms(5));
    let whole: Vec<_> = kv.scan("").try_collect().await.expect("the scan works");
    let infos: Vec<_> = kv.scan_keys("").try_collect().await.expect("the scan works");
    let page = kv.scan_keys_page("", ScanOptions::new().limit(1_000)).await.expect("a page");
    let collected = kv.scan_keys_collect("", 1_000).await.expect("the scan works");
    let of_whole: Vec<&EntryInfo> = whole.iter().map(larder_core::Entry::info).collect();
    assert!(of_whole.iter().copied().eq(&infos), "keys, versions or lifetimes differ");
    assert_eq!(page.into_entries().expect("entries"), infos);
    assert_eq!(collected.into_entries().expect("entries"), infos);
}

async fn scans_of_keys_do_not_ask_for_values(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    fill(&kv, 30).await;
    counting.reset();
    keys(&kv, "").await;
    kv.scan_keys_page("", ScanOptions::new()).await.expect("a page");
    kv.scan_keys_collect("", 10).await.expect("the scan works");
    assert!(counting.reads().iter().all(|read| read.projection == Projection::Meta));
    counting.reset();
    kv.scan_page("", ScanOptions::new()).await.expect("a page");
    assert!(counting.reads().iter().all(|read| read.projection == Projection::Full));
}

async fn collections_have_a_maximum(context: Context) {
    let kv = context.kv().await;
    let all = fill(&kv, 105).await;
    for max in [1, 50, 104, 105, 106, 5_000] {
        let page = kv.scan_collect("k", max).await.expect("the scan works");
        assert_eq!(page.cursor.is_some(), max < 105, "a maximum of {max}");
        let found = page.into_entries().expect("entries");
        assert_eq!(found.iter().map(|entry| entry.key().to_owned()).collect::<Vec<_>>(), all[..max.min(105)]);
        let infos = kv.scan_keys_collect("k", max).await.expect("the scan works");
        assert_eq!((infos.items.len(), infos.cursor.is_some()), (max.min(105), max < 105));
    }
    // The cursor goes on where the collection ended.
    let cursor = kv.scan_collect("k", 100).await.expect("the scan works").cursor;
    let rest = kv.scan_keys_page("k", ScanOptions::new().cursor(cursor)).await.expect("a page");
    assert_eq!(rest.into_entries().expect("entries")[0].key(), all[100]);
    let error = kv.scan_collect("k", 0).await.expect_err("nothing is no maximum");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

async fn expired_entries_are_passed_over(context: Context) {
    let kv = context.kv().await;
    let all: Vec<String> = (0..90).map(|at| format!("{at:03}")).collect();
    set_many(&kv, &all).await;
    let ending: Vec<&String> =
        all.iter().enumerate().filter(|(at, _)| at % 3 != 0).map(|(_, key)| key).collect();
    let put = kv.put_many(ending.iter().map(|key| (key, "")), ms(10)).await.expect("the batch works");
    assert!(put.iter().all(Result::is_ok));
    context.advance(ms(9));
    assert_eq!(keys(&kv, "").await, all);
    context.advance(ms(1));
    let left: Vec<&String> = all.iter().step_by(3).collect();
    assert_eq!(keys(&kv, "").await.iter().collect::<Vec<_>>(), left);
    let streamed: Vec<_> = kv.scan("").try_collect().await.expect("the scan works");
    assert_eq!(streamed.len(), left.len());
}

/// Entries that stay, between others that come and go and change, are each seen once and in order.
async fn a_scan_beside_writers_misses_nothing_that_stays(context: Context) {
    let kv = context.kv().await;
    let stays: Vec<String> = (0..300).map(|at| format!("{at:04}:stays")).collect();
    set_many(&kv, &stays).await;
    let done = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..3_u64).map(|writer| (writer, Arc::clone(&done))).collect();
    let mut tasks = Vec::new();
    for (writer, done) in writers {
        let kv = context.kv().await;
        let mut rng = StdRng::seed_from_u64(context.seed() + writer);
        tasks.push(tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                let at = rng.random_range(0..300);
                match rng.random_range(0..4) {
                    0 => drop(set(&kv, &format!("{at:04}:comes"), "x").await),
                    1 => kv.delete(format!("{at:04}:comes")).await.expect("the delete works"),
                    2 => drop(set(&kv, &format!("{at:04}:stays"), "changed").await),
                    _ => drop(set_for(&kv, &format!("{at:04}:brief"), "x", ms(1)).await),
                }
                next_turn().await;
            }
        }));
    }
    for (limit, options) in [
        (7, ScanOptions::new().limit(7)),
        (100, ScanOptions::new()),
        (1_000, ScanOptions::new().limit(1_000)),
    ] {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let page = kv.scan_keys_page("", options.clone().cursor(cursor)).await.expect("a page");
            cursor = page.cursor.clone();
            seen.extend(page.into_entries().expect("entries").into_iter().map(EntryInfo::into_key));
            if cursor.is_none() {
                break;
            }
            next_turn().await;
        }
        check_seen(&seen, &stays, &format!("pages of {limit}"));
    }
    for _ in 0..3 {
        check_seen(&keys(&kv, "").await, &stays, "a stream");
    }
    done.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("the writer ends well");
    }
}

fn check_seen(seen: &[String], stays: &[String], what: &str) {
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{what}: out of order or twice");
    let found: Vec<&String> = seen.iter().filter(|key| key.ends_with(":stays")).collect();
    assert_eq!(found.len(), stays.len(), "{what}: an entry that stays was missed");
}

async fn a_stream_ends_with_the_first_failure(context: Context) {
    use larder_core::driver::DriverError;
    let scripted = crate::wrap::Scripted::new();
    let kv = context.handle(scripted.over(context.driver().await));
    let all = fill(&kv, 40).await;
    scripted.outage(&DriverError::refused(ErrorKind::Unauthorized, "an outage on purpose"));
    let items: Vec<_> = kv.scan("k").collect().await;
    assert!(matches!(&items[..], [Err(error)] if error.kind() == ErrorKind::Unauthorized), "{items:?}");
    scripted.reset();
    assert_eq!(keys(&kv, "k").await, all);
}

async fn a_driver_gives_its_rows_in_order(context: Context) {
    let kv = context.kv().await;
    let all: Vec<String> = (0..80).map(|at| format!("k{at:03}")).collect();
    set_many(&kv, &all).await;
    set_for(&kv, "k010", "", ms(1)).await;
    context.advance(ms(1));
    let driver = context.driver().await;
    let mut rows = Vec::new();
    for key in &all {
        rows.push(context.row(key).await);
    }
    rows.sort();
    let mut shards: Vec<_> = rows.iter().map(|row| row.shard).collect();
    shards.dedup();
    let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
    let request = |shard, start, end: &str, limit, max_bytes| ScanRequest {
        shard,
        start,
        end: end.to_owned(),
        limit,
        max_bytes,
        read,
    };
    let whole_end = format!("k{AFTER_EVERY_KEY}");
    for shard in shards {
        let of_shard: Vec<_> = rows
            .iter()
            .filter(|row| row.shard == shard)
            .map(|row| StoredKey::from(row.key.as_str()))
            .collect();
        // Page after page until the end, expired rows included, each behind the last.
        for limit in [1, 3, 1_000] {
            let mut found = Vec::new();
            let mut start = ScanStart::At("k".to_owned());
            loop {
                let reply = driver.scan(&request(shard, start, &whole_end, limit, usize::MAX)).await;
                let reply = reply.expect("the scan works");
                assert!(reply.rows.len() <= limit, "{} rows, asked for {limit}", reply.rows.len());
                let Some(last) = reply.rows.last() else {
                    assert!(!reply.more, "more, but no row");
                    break;
                };
                start = ScanStart::After(last.key.clone());
                found.extend(reply.rows.into_iter().map(|row| row.key));
                next_turn().await;
                if !reply.more {
                    break;
                }
            }
            assert_eq!(found, of_shard, "{shard:?} by {limit}");
        }
        // From a key, to before a key, and one row at least whatever its size.
        let (first, last) = (&of_shard[0], &of_shard[of_shard.len() - 1]);
        let from = ScanStart::At(first.as_str().to_owned());
        let reply = driver.scan(&request(shard, from, last.as_str(), 1_000, usize::MAX)).await;
        let found: Vec<_> = reply.expect("the scan works").rows.into_iter().map(|row| row.key).collect();
        assert_eq!(found, of_shard[..of_shard.len() - 1], "the start is part of a range, its end is not");
        let behind = ScanStart::After(first.clone());
        let reply = driver.scan(&request(shard, behind, &whole_end, 1_000, 1)).await.expect("the scan works");
        assert!(of_shard.len() == 1 || !reply.rows.is_empty(), "no row, although there are");
        assert!(of_shard[1..].starts_with(&reply.rows.iter().map(|row| row.key.clone()).collect::<Vec<_>>()));
        let nothing = ScanStart::At("kz".to_owned());
        let reply =
            driver.scan(&request(shard, nothing, &whole_end, 10, usize::MAX)).await.expect("the scan works");
        assert!(reply.rows.is_empty() && !reply.more);
    }
}

async fn a_scan_goes_on_behind_a_deleted_key(context: Context) {
    let kv = context.kv().await;
    let all = fill(&kv, 30).await;
    let page = kv.scan_keys_page("k", ScanOptions::new().limit(10)).await.expect("a page");
    for key in &all[..20] {
        kv.delete(key).await.expect("the delete works");
    }
    set(&kv, "k00009a", "").await;
    set(&kv, "k00005a", "").await;
    let rest = kv.scan_keys_page("k", ScanOptions::new().cursor(page.cursor)).await.expect("a page");
    let rest: Vec<_> = rest.into_entries().expect("entries").into_iter().map(EntryInfo::into_key).collect();
    assert_eq!(rest[0], "k00009a", "the position is behind k00009, which is gone");
    assert_eq!(rest[1..], all[20..]);
}
