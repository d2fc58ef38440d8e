//! Sweeps of a table that many processes share: one at a time, and never a fresh write.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use async_trait::async_trait;
use larder_conformance::server::{Reply, Seen, Server};
use larder_conformance::wrap::{Call, Hook, Method, Verdict};
use larder_core::driver::{Driver, Projection, Read, RowKey};
use larder_core::{
    CanonicalKey, Clock, Consistency, ErrorKind, Kv, Layout, ManualClock, SweepOutcome, Timestamp,
};
use larder_tables::TablesOptions;
use tokio::sync::Notify;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use support::server::{SERVICE, empty_table};
use support::{open, table, table_at};

const MINUTE: Duration = Duration::from_secs(60);

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_millis(4_102_444_800_000)))
}

/// A handle of a process of its own, by the test's clock.
async fn process(options: &TablesOptions, clock: &Arc<ManualClock>) -> Kv {
    Kv::builder(open(options).await).binding("cache").clock(Arc::clone(clock) as Arc<dyn Clock>).build()
}

async fn put_many(kv: &Kv, prefix: &str, count: usize, ttl: Option<Duration>) {
    let entries = (0..count).map(|at| (format!("{prefix}{at:04}"), "value"));
    for put in kv.put_many(entries, ttl).await.expect("a batch") {
        put.expect("a put");
    }
}

async fn is_stored(options: &TablesOptions, key: &str) -> bool {
    let key = CanonicalKey::from_canonical(key).expect("canonical");
    let row = RowKey { shard: Layout::new(16).shard_of(&key), key };
    let read = Read { projection: Projection::Meta, consistency: Consistency::Strong };
    open(options).await.get(&row, read).await.expect("a read").is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sweepers_at_once_remove_every_row_once() {
    const EXPIRED: usize = 400;
    let (options, clock) = (table().await, clock());
    let kv = process(&options, &clock).await;
    put_many(&kv, "gone", EXPIRED, Some(MINUTE)).await;
    put_many(&kv, "lives", 20, Some(10 * MINUTE)).await;
    put_many(&kv, "stays", 20, None).await;
    clock.advance(MINUTE);

    let sweepers = [process(&options, &clock).await, process(&options, &clock).await];
    let outcomes = futures_util::future::join_all(sweepers.iter().map(Kv::sweep)).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.expect("a sweep")).collect();
    let swept = |outcome: &SweepOutcome| match outcome {
        SweepOutcome::Swept { removed } => *removed,
        other => {
            assert_eq!(*other, SweepOutcome::InProgressElsewhere);
            0
        }
    };
    assert_eq!(outcomes.iter().map(swept).sum::<usize>(), EXPIRED, "{outcomes:?}");
    assert!(outcomes.contains(&SweepOutcome::InProgressElsewhere), "{outcomes:?}");
    assert_eq!(kv.scan_collect("", 1_000).await.expect("a scan").items.len(), 40);
    assert!(!is_stored(&options, "gone0000").await);
    assert_eq!(kv.sweep().await.expect("a sweep"), SweepOutcome::Swept { removed: 0 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweeper_that_dies_is_followed_once_its_lease_has_run_out() {
    const EXPIRED: usize = 200;
    const DONE_BEFORE_DEATH: usize = 50;
    let (options, clock) = (table().await, clock());
    let kv = process(&options, &clock).await;
    put_many(&kv, "gone", EXPIRED, Some(MINUTE)).await;
    clock.advance(MINUTE);

    let died_after = Arc::new(Notify::new());
    let hook = Dying { after: DONE_BEFORE_DEATH, now: clock.now(), done: Arc::clone(&died_after) };
    let dying = Arc::new(hook).over(open(&options).await);
    let dying = Kv::builder(dying).binding("cache").clock(Arc::clone(&clock) as Arc<dyn Clock>).build();
    let sweep = tokio::spawn(async move { dying.sweep().await });
    died_after.notified().await;
    sweep.abort();
    assert!(sweep.await.is_err_and(|end| end.is_cancelled()), "it had not come to an end");

    let next = process(&options, &clock).await;
    assert_eq!(next.sweep().await.expect("a sweep"), SweepOutcome::InProgressElsewhere);
    clock.advance(MINUTE - Duration::from_millis(1));
    assert_eq!(next.sweep().await.expect("a sweep"), SweepOutcome::InProgressElsewhere);
    clock.advance(Duration::from_millis(1));
    let outcome = next.sweep().await.expect("a sweep");
    assert_eq!(outcome, SweepOutcome::Swept { removed: EXPIRED - DONE_BEFORE_DEATH });
    for at in [0, 1, EXPIRED / 2, EXPIRED - 1] {
        assert!(!is_stored(&options, &format!("gone{at:04}")).await, "gone{at:04} is still there");
    }
}

/// A process that removes so many rows, holding the lease, and then does nothing any more.
#[derive(Debug)]
struct Dying {
    after: usize,
    now: Timestamp,
    done: Arc<Notify>,
}

#[async_trait]
impl Hook for Dying {
    async fn before(&self, call: Call<'_>, inner: &dyn Driver) -> Verdict {
        if call.method() != Method::Sweep {
            return Verdict::Pass;
        }
        let mut removed = 0;
        // A shard with few rows leaves some of its share of a round over.
        while removed < self.after {
            let swept = inner.sweep(self.now, self.after - removed).await.expect("a sweep");
            assert!(swept.more && swept.removed > 0, "{swept:?}");
            removed += swept.removed;
        }
        assert_eq!(removed, self.after);
        self.done.notify_one();
        Verdict::Hang
    }
}

/// Between the look and the removal every row is written anew: the service is asked to remove what was seen, and refuses.
#[tokio::test]
async fn a_row_that_was_written_meanwhile_is_left_alone() {
    let served = Server::start(|request: &Seen| match request.line().split(' ').next() {
        Some("DELETE") if !request.line().contains("'sys'") => {
            refused("412 Precondition Failed", "UpdateConditionNotSatisfied")
        }
        _ => store(request, |line| match line.contains("%2700%27") {
            true => page("00", &[("a", 1), ("b", 1)], None),
            false => page("01", &[], None),
        }),
    })
    .await;
    let kv = process(&table_at(&served.url), &clock()).await;
    assert_eq!(kv.sweep().await.expect("a sweep"), SweepOutcome::Swept { removed: 0 });
    let removals = removals(&served);
    assert_eq!(removals.len(), 2);
    // The ETag of what was seen: its own, or the one that its time stands for. They are removed at once.
    let etags: BTreeSet<_> = removals.iter().filter_map(|request| request.header("if-match")).collect();
    let seen = ["W/\"etag-a\"", "W/\"datetime'2026-01-01T00%3A00%3A00.1234567Z'\""];
    assert_eq!(etags, BTreeSet::from(seen));
}

#[tokio::test]
async fn a_search_that_takes_too_long_goes_on_page_by_page() {
    let served = Server::start(|request: &Seen| {
        store(request, |line| match line {
            // Looking for what has expired never ends.
            line if line.contains("exp+le") => ("", String::new(), String::new()),
            line if !line.contains("%2700%27") => page("01", &[], None),
            line if line.contains("NextRowKey=c") => page("00", &[("c", 1), ("d", 1)], None),
            _ => page("00", &[("a", 1), ("b", u64::from(u32::MAX) * 1_000)], Some("c")),
        })
    })
    .await;
    let kv = process(&table_at(&served.url), &clock()).await;
    assert_eq!(kv.sweep().await.expect("a sweep"), SweepOutcome::Swept { removed: 3 });
    let lines: Vec<_> = removals(&served).iter().map(|request| request.line().to_owned()).collect();
    for key in ["a", "c", "d"] {
        assert!(lines.iter().any(|line| line.contains(&format!("RowKey='{key}'"))), "{lines:?}");
    }
    assert_eq!(lines.len(), 3);
    let searches = served.seen().iter().filter(|request| request.line().contains("exp+le")).count();
    assert_eq!(searches, 17, "a search that took too long is not made again");
}

/// Counts what this crate warns of.
struct Warnings(Arc<AtomicUsize>);

impl Subscriber for Warnings {
    fn enabled(&self, event: &Metadata<'_>) -> bool {
        event.target() == "larder" && *event.level() == Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, SeqCst);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// How the removals of two expired rows are answered in a round.
type Round = [fn() -> Reply; 2];

/// How often so many rounds warn.
async fn warnings(rounds: &[Round]) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    let _guard = tracing::subscriber::set_default(Warnings(Arc::clone(&count)));
    let (answers, removed) = (rounds.to_vec(), AtomicUsize::new(0));
    let served = Server::start(move |request: &Seen| match request.line() {
        line if line.starts_with("DELETE") => {
            let round = removed.fetch_add(1, SeqCst) / 2;
            answers[round][usize::from(line.contains("RowKey='b'"))]()
        }
        _ => store(request, |line| match line.contains("%2700%27") {
            true => page("00", &[("a", 1), ("b", 1)], None),
            false => page("01", &[], None),
        }),
    })
    .await;
    let driver = open(&table_at(&served.url)).await;
    for _ in rounds {
        driver.sweep(clock().now(), 10).await.expect("a round");
    }
    assert_eq!(removals(&served).len(), 2 * rounds.len());
    count.load(SeqCst)
}

/// If an account's ETags were not what is made of a row's time, every removal would be refused, for ever.
#[tokio::test]
async fn rounds_that_spare_rows_and_remove_none_are_warned_of_once_there_are_three_in_a_row() {
    let changed = || refused("412 Precondition Failed", "UpdateConditionNotSatisfied");
    let gone = || refused("404 Not Found", "ResourceNotFound");
    let removed = || ("204 No Content", SERVICE.to_owned(), String::new());
    let (all, some): (Round, Round) = ([changed, changed], [changed, gone]);
    let (one, others): (Round, Round) = ([changed, removed], [gone, gone]);
    assert_eq!(warnings(&[all; 2]).await, 0, "that happens");
    assert_eq!(warnings(&[all; 3]).await, 1);
    assert_eq!(warnings(&[all; 9]).await, 1, "once");
    assert_eq!(warnings(&[some; 3]).await, 1, "another process removes what it can");
    assert_eq!(warnings(&[all, others, all, others, all]).await, 1, "nothing was met between them");
    assert_eq!(warnings(&[all, all, one, all, all]).await, 0, "not in a row");
    assert_eq!(warnings(&[one; 4]).await, 0);
    assert_eq!(warnings(&[others; 4]).await, 0);
}

/// A removal that fails leaves those beside it counted, and is made again in the next round.
#[tokio::test]
async fn a_removal_that_fails_loses_no_count() {
    let failures = AtomicUsize::new(1);
    let fails = move || failures.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
    let served = Server::start(move |request: &Seen| match request.line() {
        line if line.starts_with("DELETE") && line.contains("RowKey='b'") && fails() => {
            refused("500 Internal Server Error", "InternalError")
        }
        _ => store(request, |line| match line.contains("%2700%27") {
            true => page("00", &[("a", 1), ("b", 1)], None),
            false => page("01", &[], None),
        }),
    })
    .await;
    let driver = open(&table_at(&served.url)).await;
    let swept = driver.sweep(clock().now(), 10).await.expect("one is removed");
    assert_eq!((swept.removed, swept.more), (1, true));
    let lines: Vec<_> = served.seen().iter().map(|request| request.line().to_owned()).collect();
    let searches: Vec<_> = lines.iter().filter(|line| line.starts_with("GET")).collect();
    assert_eq!(searches.len(), 17);
    assert!(
        searches.iter().all(|line| line.contains("%24top=1&") || line.contains("%24top=1 ")),
        "{lines:?}"
    );
    let swept = driver.sweep(clock().now(), 10).await.expect("both are there, as it seems");
    assert_eq!((swept.removed, swept.more), (2, false));

    let served = Server::start(|request: &Seen| match request.line().split(' ').next() {
        Some("DELETE") => refused("500 Internal Server Error", "InternalError"),
        _ => store(request, |_| page("00", &[("a", 1)], None)),
    })
    .await;
    let error =
        open(&table_at(&served.url)).await.sweep(clock().now(), 10).await.expect_err("none is removed");
    assert_eq!(error.kind, ErrorKind::Unavailable);
}

fn removals(served: &Server) -> Vec<Seen> {
    let is_removal =
        |request: &Seen| request.line().starts_with("DELETE") && !request.line().contains("'sys'");
    served.seen().into_iter().filter(is_removal).collect()
}

fn refused(status: &'static str, code: &str) -> Reply {
    (status, format!("{SERVICE}x-ms-error-code: {code}\r\n"), String::new())
}

/// A table with its layout, which takes every write, and answers queries as the test says.
fn store(request: &Seen, query: impl Fn(&str) -> Reply) -> Reply {
    let line = request.line();
    match line.split(' ').next() {
        Some("GET") if line.contains("/cache()") => query(line),
        Some("GET") => empty_table(request),
        _ => ("204 No Content", format!("{SERVICE}etag: W/\"lease\"\r\n"), String::new()),
    }
}

/// A page of rows by key and expiry. Every second one has no ETag, as the service may leave it out.
fn page(partition: &str, rows: &[(&str, u64)], next: Option<&str>) -> Reply {
    let rows = rows.iter().enumerate().map(|(at, (key, expires_at))| {
        let etag = match at % 2 {
            0 => format!(r#""odata.etag":"W/\"etag-{key}\"","#),
            _ => String::new(),
        };
        format!(
            r#"{{{etag}"PartitionKey":"{partition}","RowKey":"{key}","Timestamp":"2026-01-01T00:00:00.1234567Z",
            "exp":"{expires_at}","exp@odata.type":"Edm.Int64"}}"#
        )
    });
    let body = format!(r#"{{"odata.metadata":"m","value":[{}]}}"#, rows.collect::<Vec<_>>().join(","));
    let more = next.map(|row| {
        format!("x-ms-continuation-NextPartitionKey: {partition}\r\nx-ms-continuation-NextRowKey: {row}\r\n")
    });
    ("200 OK", format!("{SERVICE}content-type: application/json\r\n{}", more.unwrap_or_default()), body)
}
