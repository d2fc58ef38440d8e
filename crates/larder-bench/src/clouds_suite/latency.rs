//! How often an operation waits for a server that is 20 ms away.

use std::hint::black_box;
use std::time::Instant;

use futures_util::TryStreamExt;
use larder_core::{Kv, ScanOptions};
use tokio::runtime::Builder;

use super::delay::{DELAY, in_front_of};
use super::load::{key, value};
use super::table::{Table, emulator};
use crate::Outcome;
use crate::runner::Goal;

/// The keys of a prefix.
const KEYS: usize = 10_000;
/// The keys of the scan that is also walked shard by shard, which takes its time.
const FEW_KEYS: usize = 1_000;
const MANY: usize = 1_000;
/// How many of them are done one by one; the rest would take as long each.
const ONE_BY_ONE: usize = 50;

type Case = (&'static str, &'static str, Goal);

/// What is measured: the name, the kind, and the goal.
pub(super) const CASES: &[Case] = &[
    (
        "first page of 100 of 10,000 keys, beside two round trips",
        "latency/first-page",
        Goal { text: "≤ 1 ×", reached: |ours, theirs| ours <= theirs },
    ),
    (
        "full scan by pages of 100, beside walking the shards in turn",
        "latency/pages",
        Goal { text: "≤ 1/8 ×", reached: |ours, theirs| 8.0 * ours <= theirs },
    ),
    (
        "full scan of 10,000 at 1,000, beside the same without delay and three round trips",
        "latency/stream",
        Goal { text: "≤ 1 ×", reached: |ours, theirs| ours <= theirs },
    ),
    (
        "get_many of 1,000, beside one by one",
        "latency/get-many",
        Goal { text: "≤ 1/20 ×", reached: |ours, theirs| 20.0 * ours <= theirs },
    ),
    (
        "put_many of 1,000, beside one by one",
        "latency/put-many",
        Goal { text: "≤ 1/20 ×", reached: |ours, theirs| 20.0 * ours <= theirs },
    ),
];

/// Milliseconds.
pub(super) fn measure(kind: &str, ours: bool) -> Outcome<f64> {
    // The delay runs on threads of its own, so that it is there when the client is busy.
    let network = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let far = network.block_on(in_front_of(&emulator()?))?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let near = Table::create().await?;
        let keys = match kind {
            "pages" => FEW_KEYS,
            "first-page" | "stream" => KEYS,
            _ => MANY,
        };
        for result in near.kv.put_many((0..keys).map(|turn| (key(0, turn), value(turn))), None).await? {
            result?;
        }
        let far = Table::reach(near.name.clone(), &far).await?;
        // Connections for a whole round are made before.
        far.kv.scan_page("", ScanOptions::new()).await?;
        far.by_hand.get(&key(0, 0)).await?;
        match (kind, ours) {
            ("first-page", true) => {
                timed(async {
                    let page = far.kv.scan_page("user:", ScanOptions::new()).await?;
                    assert_eq!(page.items.len(), 100);
                    Ok(())
                })
                .await
            }
            ("first-page", false) => {
                timed(async {
                    for turn in 0..2 {
                        far.by_hand.get(&key(0, turn)).await?;
                    }
                    Ok(())
                })
                .await
            }
            ("pages", true) => timed(pages(&far.kv)).await,
            ("pages", false) => timed(shards_in_turn(&far)).await,
            ("stream", true) => timed(stream(&far.kv)).await,
            ("stream", false) => {
                near.kv.scan_page("", ScanOptions::new()).await?;
                Ok(timed(stream(&near.kv)).await? + 3.0 * DELAY.as_secs_f64() * 1e3)
            }
            ("get-many", true) => {
                timed(async {
                    let found = far.kv.get_many((0..MANY).map(|turn| key(0, turn))).await?;
                    assert!(found.iter().all(|entry| matches!(entry, Ok(Some(_)))));
                    Ok(())
                })
                .await
            }
            ("get-many", false) => {
                let some = timed(async {
                    for turn in 0..ONE_BY_ONE {
                        black_box(far.by_hand.get(&key(0, turn)).await?);
                    }
                    Ok(())
                });
                Ok(some.await? * (MANY / ONE_BY_ONE) as f64)
            }
            ("put-many", true) => {
                timed(async {
                    for stored in
                        far.kv.put_many((0..MANY).map(|turn| (key(1, turn), value(turn))), None).await?
                    {
                        stored?;
                    }
                    Ok(())
                })
                .await
            }
            ("put-many", false) => {
                let some = timed(async {
                    for turn in 0..ONE_BY_ONE {
                        far.by_hand.put(&key(1, turn), value(turn), None).await?;
                    }
                    Ok(())
                });
                Ok(some.await? * (MANY / ONE_BY_ONE) as f64)
            }
            _ => Err(format!("there is no case {kind:?}").into()),
        }
    })
}

type Done = Outcome<()>;

async fn timed(work: impl Future<Output = Done>) -> Outcome<f64> {
    let started = Instant::now();
    work.await?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// A scan in order, page by page.
async fn pages(kv: &Kv) -> Done {
    let (mut cursor, mut found) = (None, 0);
    loop {
        let page = kv.scan_page("user:", ScanOptions::new().cursor(cursor)).await?;
        found += page.items.len();
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(found, FEW_KEYS);
    Ok(())
}

/// The same order by hand: for every page one shard after the other.
async fn shards_in_turn(table: &Table) -> Done {
    let (mut last, mut found): (Option<String>, usize) = (None, 0);
    loop {
        let mut rows = Vec::new();
        for shard in 0..16 {
            rows.extend(table.by_hand.query(shard, "user:", last.as_deref(), 17).await?);
        }
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        rows.truncate(100);
        found += rows.len();
        let full = rows.len() == 100;
        let Some((key, _)) = rows.pop() else { break };
        last = Some(key);
        if !full {
            break;
        }
    }
    assert_eq!(found, FEW_KEYS);
    Ok(())
}

async fn stream(kv: &Kv) -> Done {
    let mut entries = kv.scan("user:");
    let mut found = 0;
    while let Some(entry) = entries.try_next().await? {
        black_box(entry);
        found += 1;
    }
    assert_eq!(found, KEYS);
    Ok(())
}
