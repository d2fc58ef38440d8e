//! Pages: their size, their cursors, and what they cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use larder_core::driver::Driver;
use larder_core::{
    Cursor, EntryInfo, ErrorKind, Kv, MAX_PAGE_BYTES, MAX_PAGE_LIMIT, MAX_VALUE_BYTES, ScanOptions,
};

use crate::context::Context;
use crate::support::{ms, next_turn, secs, set, set_many};
use crate::wrap::{Call, Counting, Hook, Method, Verdict};

/// The rounds of requests that a page may take (S2).
const ROUNDS: usize = 4;

cases! {
    "pages";
    pages_of_every_size_make_the_whole: S2 S1 S3;
    a_page_is_full_unless_the_scan_is_at_its_end: S2;
    a_page_has_a_hundred_entries_unless_told: S2;
    limits_out_of_bounds_are_refused: S2;
    a_cursor_is_there_exactly_when_there_may_be_more: S2 S3;
    a_page_has_at_most_four_mebibytes: S2;
    expired_entries_use_up_the_budget: S2 T2;
    a_cursor_survives_as_text: S3;
    a_cursor_of_another_prefix_is_refused: S3;
    a_damaged_cursor_is_refused: S3;
    a_cursor_never_goes_stale: S3;
    a_page_costs_one_round: S5;
    a_stream_asks_for_no_row_twice: S5 S1;
    collecting_reads_little_beyond_its_maximum: S5 S2;
}

/// Fills a store with `count` keys; returns them in order.
async fn fill(kv: &Kv, count: usize) -> Vec<String> {
    let all: Vec<String> = (0..count).map(|at| format!("k{at:05}")).collect();
    set_many(kv, &all).await;
    all
}

async fn page(kv: &Kv, limit: usize, cursor: Option<Cursor>) -> (Vec<String>, Option<Cursor>) {
    let options = ScanOptions::new().limit(limit).cursor(cursor);
    let page = kv.scan_keys_page("k", options).await.expect("a page");
    let cursor = page.cursor.clone();
    next_turn().await;
    (page.into_entries().expect("entries").into_iter().map(EntryInfo::into_key).collect(), cursor)
}

async fn pages_of_every_size_make_the_whole(context: Context) {
    let kv = context.kv().await;
    let all = fill(&kv, 250).await;
    for limit in [1, 2, 7, 100, 249, 250, 251, MAX_PAGE_LIMIT] {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let (keys, next) = page(&kv, limit, cursor).await;
            assert!(keys.len() <= limit, "{} entries, asked for {limit}", keys.len());
            found.extend(keys);
            // Through text, and to another handle, as a web page does it.
            cursor = next.map(|cursor| cursor.to_string().parse().expect("a cursor"));
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, all, "pages of {limit}");
    }
}

async fn a_page_is_full_unless_the_scan_is_at_its_end(context: Context) {
    let kv = context.kv().await;
    let all = fill(&kv, 130).await;
    for limit in [1, 7, 50, 100, 129] {
        let mut cursor = None;
        for expected in all.chunks(limit) {
            let (keys, next) = page(&kv, limit, cursor).await;
            assert_eq!(keys, expected, "a page of {limit} is not full");
            cursor = next;
        }
    }
}

async fn a_page_has_a_hundred_entries_unless_told(context: Context) {
    let kv = context.kv().await;
    fill(&kv, 101).await;
    let page = kv.scan_page("", ScanOptions::new()).await.expect("a page");
    assert_eq!((page.items.len(), page.cursor.is_some()), (100, true));
    let page = kv.scan_page("", ScanOptions::default()).await.expect("a page");
    assert_eq!(page.items.len(), 100);
}

async fn limits_out_of_bounds_are_refused(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    for limit in [0, MAX_PAGE_LIMIT + 1, usize::MAX] {
        let options = ScanOptions::new().limit(limit);
        for error in [
            kv.scan_page("", options.clone()).await.expect_err("no page"),
            kv.scan_keys_page("", options).await.expect_err("no page"),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains("1000"), "the limit is missing: {error}");
        }
    }
    assert_eq!(counting.total(), 0, "a request was sent");
}

async fn a_cursor_is_there_exactly_when_there_may_be_more(context: Context) {
    let kv = context.kv().await;
    assert!(page(&kv, 10, None).await.1.is_none(), "nothing at all");
    fill(&kv, 20).await;
    set(&kv, "j", "before").await;
    set(&kv, "l", "behind").await;
    for (limit, more) in [(1, true), (19, true), (20, false), (21, false), (1_000, false)] {
        let (keys, cursor) = page(&kv, limit, None).await;
        assert_eq!(keys.len(), limit.min(20));
        assert_eq!(cursor.is_some(), more, "a page of {limit} of 20 entries");
    }
    let (_, cursor) = page(&kv, 10, None).await;
    let (keys, cursor) = page(&kv, 10, cursor).await;
    assert_eq!((keys.len(), cursor.is_some()), (10, false), "the second half");
}

async fn a_page_has_at_most_four_mebibytes(context: Context) {
    let kv = context.kv().await;
    // A little more than one page may hold.
    let count = MAX_PAGE_BYTES / MAX_VALUE_BYTES + 10;
    let keys: Vec<String> = (0..count).map(|at| format!("k{at:05}")).collect();
    let value = vec![0x5A_u8; MAX_VALUE_BYTES];
    for result in kv.put_many(keys.iter().map(|key| (key, &value)), None).await.expect("the batch works") {
        result.expect("the put works");
    }
    let counting = Counting::new();
    let driver = context.driver().await;
    let counted_shards = driver.info().default_shards;
    let counted = context.handle(counting.over(driver));
    counted.exists("warm").await.expect("exists works");
    counting.reset();
    let first = counted.scan_page("k", ScanOptions::new().limit(1_000)).await.expect("a page");
    // A platform with one shard that gives little at once may have used up the rounds of a page.
    let used_up = |scans| counted_shards == 1 && scans == ROUNDS;
    let scans = counting.calls(Method::Scan);
    let cursor = first.cursor.clone().expect("there is more");
    let first = first.into_entries().expect("entries");
    let bytes: usize = first.iter().map(|entry| entry.value().len()).sum();
    assert!(bytes <= MAX_PAGE_BYTES, "{bytes} bytes of values");
    assert!(
        bytes + MAX_VALUE_BYTES > MAX_PAGE_BYTES || used_up(scans),
        "a page that is not full: {bytes} bytes of values in {scans} requests"
    );
    let rest = kv.scan_page("k", ScanOptions::new().limit(1_000).cursor(cursor)).await.expect("a page");
    assert!(rest.cursor.is_none());
    let rest = rest.into_entries().expect("entries");
    let found: Vec<_> = first.iter().chain(&rest).map(|entry| entry.key().to_owned()).collect();
    assert_eq!(found, keys);
    assert!(rest.iter().all(|entry| entry.value() == &value[..]));
    // Without their values they all fit.
    counting.reset();
    let (keys, cursor) = page(&counted, 1_000, None).await;
    if cursor.is_some() {
        assert!(used_up(counting.calls(Method::Scan)), "a page of keys that is not full");
        assert!(keys.len() * MAX_VALUE_BYTES > MAX_PAGE_BYTES / 2, "only {} keys", keys.len());
    } else {
        assert_eq!(keys.len(), count);
    }
}

async fn expired_entries_use_up_the_budget(context: Context) {
    let kv = context.kv().await;
    let all: Vec<String> = (0..400).map(|at| format!("k{at:05}")).collect();
    let put = kv.put_many(all.iter().map(|key| (key, "")), secs(1)).await.expect("the batch works");
    assert!(put.iter().all(Result::is_ok));
    for key in ["k00399", "k00200", "k00201x", "k00000", "k00399z"] {
        set(&kv, key, "lives").await;
    }
    context.advance(secs(1));
    let live = ["k00000", "k00200", "k00201x", "k00399", "k00399z"];
    let counting = Counting::new();
    let counted = context.handle(counting.over(context.driver().await));
    counted.exists("warm").await.expect("exists works");
    for limit in [1, 2, 3, 10, 100] {
        let (mut found, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            counting.reset();
            let (keys, next) = page(&counted, limit, cursor).await;
            assert!(keys.len() <= limit);
            assert!(keys.len() == limit || next.is_none() || counting.calls(Method::Scan) >= 1);
            found.extend(keys);
            (cursor, pages) = (next, pages + 1);
            assert!(pages < 1_000, "the scan does not come forward");
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, live, "pages of {limit}");
    }
    // A page that finds next to nothing comes back short, with a cursor, instead of reading on and on.
    let asked = Arc::new(RowsAskedFor::default());
    let kv = context.handle(asked.over(context.driver().await));
    let (keys, cursor) = page(&kv, 5, None).await;
    assert!(keys.len() < 5 && cursor.is_some(), "{keys:?}");
    // Ten times what was asked for; the round in which that is reached is read to its end.
    let shards = usize::from(context.driver().await.info().default_shards);
    let asked = asked.0.load(Ordering::SeqCst);
    assert!(asked <= 10 * 5 + 5 * shards, "{asked} rows were asked for, for a page of 5");
}

async fn a_cursor_survives_as_text(context: Context) {
    let kv = context.kv().await;
    let awkward = ["k/1", "k/2 %+", "kü", "k🥫", "k~", "k~~"].map(str::to_owned);
    set_many(&kv, &awkward).await;
    let expected = crate::support::sorted(&awkward);
    let second = context.kv().await;
    for at in 1..awkward.len() {
        let (_, cursor) = page(&kv, at, None).await;
        let text = cursor.expect("there is more").to_string();
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        assert!(plain, "not URL-safe: {text}");
        let cursor: Cursor = text.parse().expect("a cursor");
        assert_eq!(cursor.to_string(), text);
        assert_eq!(page(&second, 100, Some(cursor)).await.0, expected[at..]);
    }
}

async fn a_cursor_of_another_prefix_is_refused(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    fill(&kv, 5).await;
    let (_, cursor) = page(&kv, 2, None).await;
    counting.reset();
    for prefix in ["", "k0", "k00000", "K", "l", "k/"] {
        let options = ScanOptions::new().cursor(cursor.clone());
        for error in [
            kv.scan_page(prefix, options.clone()).await.expect_err("another prefix"),
            kv.scan_keys_page(prefix, options.clone()).await.expect_err("another prefix"),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{prefix:?}: {error}");
        }
    }
    assert_eq!(counting.total(), 0, "a request was sent");
}

async fn a_damaged_cursor_is_refused(context: Context) {
    let kv = context.kv().await;
    fill(&kv, 5).await;
    let text = page(&kv, 2, None).await.1.expect("there is more").to_string();
    let mut damaged =
        vec![String::new(), "x".to_owned(), format!("{text}A"), format!("{text}="), format!(" {text}")];
    for at in 0..text.len() {
        damaged.push(text[..at].to_owned());
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        damaged.push(format!("{}{other}{}", &text[..at], &text[at + 1..]));
    }
    for damaged in damaged {
        let error = damaged.parse::<Cursor>().expect_err("damaged");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{damaged}");
    }
}

async fn a_cursor_never_goes_stale(context: Context) {
    let kv = context.kv().await;
    let all = fill(&kv, 10).await;
    let (_, cursor) = page(&kv, 5, None).await;
    let rest = |cursor: &Option<Cursor>| page_all(kv.clone(), cursor.clone());
    assert_eq!(rest(&cursor).await, all[5..]);
    // A year later, after everything was deleted and other things came, from another handle.
    context.advance(secs(31_536_000));
    for result in kv.delete_many(&all).await.expect("the batch works") {
        result.expect("the delete works");
    }
    assert_eq!(rest(&cursor).await, Vec::<String>::new());
    set_many(&kv, &["k00004".to_owned(), "k00004a".to_owned(), "k9".to_owned()]).await;
    assert_eq!(rest(&cursor).await, ["k00004a", "k9"]);
    // The last row of a page may have expired.
    set(&kv, "k1", "").await;
    kv.put("k2", "", larder_core::PutOptions::new().ttl(ms(1))).await.expect("the put works");
    let (keys, cursor) = page(&kv, 4, None).await;
    assert_eq!(keys, ["k00004", "k00004a", "k1", "k2"]);
    context.advance(ms(1));
    assert_eq!(rest(&cursor).await, ["k9"]);
}

async fn page_all(kv: Kv, cursor: Option<Cursor>) -> Vec<String> {
    page(&kv, 1_000, cursor).await.0
}

async fn a_page_costs_one_round(context: Context) {
    fill(&context.kv().await, 2_000).await;
    let shards = usize::from(context.driver().await.info().default_shards);
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    kv.exists("warm").await.expect("exists works");
    for limit in [10, 100, 500] {
        counting.reset();
        let (mut cursor, mut pages) = (None, 0);
        loop {
            let (_, next) = page(&kv, limit, cursor).await;
            (cursor, pages) = (next, pages + 1);
            if cursor.is_none() {
                break;
            }
        }
        let requests = counting.calls(Method::Scan);
        assert_eq!(counting.total(), requests, "a page takes nothing but scans");
        assert!(
            requests * 100 <= pages * shards * 110,
            "{requests} requests for {pages} pages of {limit} over {shards} shards"
        );
    }
}

async fn a_stream_asks_for_no_row_twice(context: Context) {
    let all = fill(&context.kv().await, 2_500).await;
    let driver = context.driver().await;
    let (shards, page) = (usize::from(driver.info().default_shards), driver.info().stream_page);
    let counting = Counting::new();
    let kv = context.handle(counting.over(driver));
    kv.exists("warm").await.expect("exists works");
    counting.reset();
    assert_eq!(crate::support::keys(&kv, "k").await, all);
    let requests = counting.calls(Method::Scan);
    // Several shards are asked for more and more: a stream's rounds do not grow with its length.
    let rounds = if shards > 1 { 3 } else { all.len().div_ceil(page) + 1 };
    assert!(requests <= rounds * shards, "{requests} requests for a stream of 2,500 over {shards} shards");
}

/// Adds up the rows that scans ask for.
#[derive(Default, Debug)]
struct RowsAskedFor(AtomicUsize);

#[async_trait]
impl Hook for RowsAskedFor {
    async fn before(&self, call: Call<'_>, _: &dyn Driver) -> Verdict {
        if let Call::Scan(request) = call {
            self.0.fetch_add(request.limit, Ordering::SeqCst);
        }
        Verdict::Pass
    }
}

async fn collecting_reads_little_beyond_its_maximum(context: Context) {
    let all = fill(&context.kv().await, 2_500).await;
    let asked = Arc::new(RowsAskedFor::default());
    let kv = context.handle(asked.over(context.driver().await));
    // A page, and a rest for which nobody should read ahead.
    let page = kv.scan_keys_collect("k", 1_100).await.expect("a scan");
    assert!(page.cursor.is_some(), "there is more");
    let found: Vec<_> = page.into_entries().expect("entries").into_iter().map(EntryInfo::into_key).collect();
    assert_eq!(found, all[..1_100]);
    let asked = asked.0.load(Ordering::SeqCst);
    assert!(asked <= 2_200, "{asked} rows were asked for, to collect 1,100");
}
