//! How often an operation waits for a server that is 20 ms away.

use std::time::{Duration, Instant};

use larder_core::{Kv, RetryPolicy, ScanOptions};
use tokio::runtime::Builder;

use super::by_hand::{ByHand, When};
use super::delay::{DELAY, in_front_of};
use super::entries::{MANY, key, keys, value};
use super::platform::{Platform, Store, emulator};
use super::walk::{pages, shards_in_turn, stream};
use crate::Outcome;
use crate::runner::Goal;

/// The keys of a prefix.
const KEYS: usize = 10_000;
/// The keys of the scan that is also walked shard by shard, which takes its time.
const FEW_KEYS: usize = 1_000;
/// The keys of one call.
const AT_ONCE: usize = 1_000;
/// How many of them are done one by one; the rest would take as long each.
const ONE_BY_ONE: usize = 50;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Far {
    FirstPage,
    Pages,
    Stream,
    GetMany,
    PutMany,
}

impl Far {
    const ALL: [Self; 5] = [Self::FirstPage, Self::Pages, Self::Stream, Self::GetMany, Self::PutMany];

    /// What there is to measure where a table has so many shards.
    ///
    /// The two full scans show that shards are read at once and ahead. One shard is read in order, by pages that each begin
    /// where the last one ended: nothing to do at once, and 10,000 keys at 1,000 are ten round trips for anybody.
    pub(super) fn of(shards: u64) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |far| shards > 1 || !matches!(far, Self::Pages | Self::Stream))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FirstPage => {
                "first page of 100 of 10,000 keys, beside the same without delay and two round trips"
            }
            Self::Pages => "full scan by pages of 100, beside walking the shards in turn",
            Self::Stream => {
                "full scan of 10,000 at 1,000, beside the same without delay and three round trips"
            }
            Self::GetMany => "get_many of 1,000, beside one by one",
            Self::PutMany => "put_many of 1,000, beside one by one",
        }
    }

    /// What the measurement is told.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::FirstPage => "first-page",
            Self::Pages => "pages",
            Self::Stream => "stream",
            Self::GetMany => "get-many",
            Self::PutMany => "put-many",
        }
    }

    pub(super) fn with_id(id: &str) -> Outcome<Self> {
        let found = Self::ALL.into_iter().find(|far| far.id() == id);
        found.ok_or_else(|| format!("nothing far away is called {id:?}").into())
    }

    pub(super) fn goal(self) -> Goal {
        match self {
            Self::FirstPage | Self::Stream => {
                Goal { text: "≤ 1 ×", reached: |ours, theirs| ours <= theirs }
            }
            Self::Pages => Goal { text: "≤ 1/8 ×", reached: |ours, theirs| 8.0 * ours <= theirs },
            Self::GetMany | Self::PutMany => {
                Goal { text: "≤ 1/20 ×", reached: |ours, theirs| 20.0 * ours <= theirs }
            }
        }
    }

    fn keys(self) -> usize {
        match self {
            Self::FirstPage | Self::Stream => KEYS,
            Self::Pages => FEW_KEYS,
            Self::GetMany | Self::PutMany => AT_ONCE,
        }
    }
}

/// Milliseconds.
pub(super) fn measure<P: Platform>(far: Far, ours: bool) -> Outcome<f64> {
    // The delay runs on threads of its own, so that it is there when the client is busy.
    let network = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let emulator = emulator::<P>()?;
    let url = network.block_on(in_front_of(&emulator, DELAY))?;
    // What comes without delay is passed on all the same: that takes the machine's time from both.
    let near_url = network.block_on(in_front_of(&emulator, Duration::ZERO))?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let made = Store::create::<P>(RetryPolicy::default()).await?;
        put_all(&made.kv, 0, far.keys()).await?;
        let near = Store::reach::<P>(made.name.clone(), &near_url, RetryPolicy::default()).await?;
        let store = Store::reach::<P>(made.name, &url, RetryPolicy::default()).await?;
        // Connections for a whole round are made before.
        for kv in [&near.kv, &store.kv] {
            kv.scan_page("", ScanOptions::new()).await?;
        }
        store.by_hand.get(&key(0, 0)).await?;
        if ours {
            return timed(ours_of(far, &store.kv)).await;
        }
        match far {
            // Without the delay, the emulator's own time is in both sides.
            Far::FirstPage => Ok(timed(ours_of(far, &near.kv)).await? + round_trips(2)),
            Far::Stream => Ok(timed(ours_of(far, &near.kv)).await? + round_trips(3)),
            Far::Pages => timed(shards_in_turn(&store.by_hand, FEW_KEYS)).await,
            Far::GetMany => Ok(timed(gets(&store.by_hand)).await? * (AT_ONCE / ONE_BY_ONE) as f64),
            Far::PutMany => Ok(timed(puts(&store.by_hand)).await? * (AT_ONCE / ONE_BY_ONE) as f64),
        }
    })
}

fn round_trips(count: u32) -> f64 {
    (count * DELAY).as_secs_f64() * 1e3
}

async fn timed(work: impl Future<Output = Outcome<()>>) -> Outcome<f64> {
    let started = Instant::now();
    work.await?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

async fn ours_of(far: Far, kv: &Kv) -> Outcome<()> {
    match far {
        Far::FirstPage => {
            let page = kv.scan_page("user:", ScanOptions::new()).await?;
            assert_eq!(page.items.len(), MANY);
        }
        Far::Pages => pages(kv, FEW_KEYS).await?,
        Far::Stream => stream(kv, KEYS).await?,
        Far::GetMany => {
            let found = kv.get_many(keys(0, AT_ONCE)).await?;
            assert!(found.iter().all(|entry| matches!(entry, Ok(Some(_)))));
        }
        Far::PutMany => put_all(kv, 1, AT_ONCE).await?,
    }
    Ok(())
}

/// One by one.
async fn gets<H: ByHand>(by_hand: &H) -> Outcome<()> {
    for turn in 0..ONE_BY_ONE {
        by_hand.get(&key(0, turn)).await?;
    }
    Ok(())
}

/// One by one.
async fn puts<H: ByHand>(by_hand: &H) -> Outcome<()> {
    for turn in 0..ONE_BY_ONE {
        by_hand.put(&key(1, turn), value(turn), When::Always).await?;
    }
    Ok(())
}

async fn put_all(kv: &Kv, task: usize, count: usize) -> Outcome<()> {
    for stored in kv.put_many((0..count).map(|turn| (key(task, turn), value(turn))), None).await? {
        stored?;
    }
    Ok(())
}
