//! One operation again and again, by one task or by many at once.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use larder_core::RetryPolicy;
use tokio::runtime::Builder;

use super::by_hand::{self, ByHand};
use super::entries::{MANY, TTL, key, value};
use super::meter::cpu_micros;
use super::operation::Op;
use super::ours;
use super::platform::{Platform, Store};
#[cfg(feature = "allocations")]
use crate::Failure;
use crate::Outcome;

/// One task's work: the same number of turns each, on keys of its own.
type Work = Pin<Box<dyn Future<Output = Outcome<()>> + Send>>;

fn work<H: ByHand>(store: &Arc<Store<H>>, op: Op, task: usize, turns: Range<usize>, ours: bool) -> Work {
    let store = Arc::clone(store);
    if ours {
        Box::pin(async move { ours::work(&store.kv, op, task, turns).await })
    } else {
        Box::pin(async move { by_hand::work(&store.by_hand, op, task, turns).await })
    }
}

/// What has to be there before the operation.
async fn prepare<H>(store: &Store<H>, op: Op, task: usize, turns: usize) -> Outcome<()> {
    let keys = match op {
        Op::Get | Op::Exists | Op::Touch | Op::Delete => 0..turns,
        Op::CompareAndSet => 0..1,
        Op::Page | Op::GetMany => 0..MANY,
        Op::Increment => {
            store.kv.increment(key(task, 0), 1, TTL).await?;
            return Ok(());
        }
        Op::Put | Op::Create | Op::PutMany => return Ok(()),
    };
    let entries = keys.map(|turn| (key(task, turn), value(turn)));
    for result in store.kv.put_many(entries, TTL).await? {
        result?;
    }
    Ok(())
}

/// How many blocks of laps count: one lap of each side, and the same in the other order.
fn blocks<P: Platform>(op: Op) -> usize {
    if op.is_of_many() { 8 } else { P::BLOCKS }
}

/// How many turns each task of a lap has. Enough that one with a version mostly has one to go on with, and that what a
/// kernel has not yet counted when the lap ends is little beside it.
fn turns_of_a_lap<P: Platform>(op: Op, tasks: usize) -> usize {
    let least = if op.is_of_many() { 1 } else { P::LEAST_TURNS };
    (op.times() / P::ONE_IN / tasks / (2 * blocks::<P>(op))).max(least)
}

/// Microseconds of processor time that one operation takes of this process: through Larder, and by hand.
///
/// The sides take turns, lap by lap, each on tasks and keys of its own. What counts is the block of four laps, one behind the
/// other, with the middle ratio: machines are faster at one time and slower at another, and whoever comes behind its own side
/// finds caches warm.
pub(super) fn cpu<P: Platform>(op: Op, tasks: usize) -> Outcome<(f64, f64)> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (blocks, turns) = (blocks::<P>(op), turns_of_a_lap::<P>(op, tasks));
    let laps = if op.takes_new_keys() { 2 * (blocks + 1) } else { 1 };
    let (ours, theirs) = (0..tasks, tasks..2 * tasks);
    runtime.block_on(async {
        let store = Arc::new(Store::create::<P>(limits(op, tasks)).await?);
        for task in 0..2 * tasks {
            prepare(&store, op, task, laps * turns).await?;
        }
        let lap = async |number: usize, tasks: &Range<usize>, is_ours| {
            let before = cpu_micros()?;
            let first = (number % laps) * turns;
            at_once(&store, op, tasks.clone(), first..first + turns, is_ours).await?;
            per_operation(cpu_micros()? - before, tasks.len() * turns)
        };
        let mut counted = Vec::new();
        for number in 0..=blocks {
            let (first, second) = (2 * number, 2 * number + 1);
            let mut took = (lap(first, &ours, true).await?, lap(first, &theirs, false).await?);
            took.1 += lap(second, &theirs, false).await?;
            took.0 += lap(second, &ours, true).await?;
            // In the first one, connections are made and code is loaded.
            if number > 0 {
                counted.push((took.0 / 2.0, took.1 / 2.0));
            }
        }
        counted.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        Ok(counted[counted.len() / 2])
    })
}

/// The limits that everybody has: their timers are a part of what an operation costs. Only what 64 tasks put or scan at
/// once, each in many requests, takes an emulator longer, which answers them one after the other.
fn limits(op: Op, tasks: usize) -> RetryPolicy {
    let mut limits = RetryPolicy::default();
    if matches!(op, Op::PutMany | Op::Page) && tasks > 1 {
        limits.deadline = Duration::from_secs(600);
        limits.attempt_timeout = Duration::from_secs(60);
    }
    limits
}

async fn at_once<H: ByHand>(
    store: &Arc<Store<H>>,
    op: Op,
    tasks: Range<usize>,
    turns: Range<usize>,
    ours: bool,
) -> Outcome<()> {
    let running: Vec<_> =
        tasks.map(|task| tokio::spawn(work(store, op, task, turns.clone(), ours))).collect();
    for task in running {
        task.await??;
    }
    Ok(())
}

/// Allocations that one operation makes, on one thread.
#[cfg(feature = "allocations")]
pub(super) fn allocations<P: Platform>(op: Op, ours: bool) -> Outcome<f64> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let turns = op.times() / 16;
    let store = runtime.block_on(async {
        let store = Arc::new(Store::create::<P>(RetryPolicy::default()).await?);
        prepare(&store, op, 0, turns + turns).await?;
        work(&store, op, 0, 0..turns, ours).await?;
        Ok::<_, Failure>(store)
    })?;
    let mut outcome = Ok(());
    let counted = allocation_counter::measure(|| {
        outcome = runtime.block_on(work(&store, op, 0, turns..turns + turns, ours));
    });
    outcome?;
    per_operation(counted.count_total as f64, turns)
}

#[expect(clippy::cast_precision_loss, reason = "a count of operations is small")]
fn per_operation(total: f64, operations: usize) -> Outcome<f64> {
    Ok(total / operations as f64)
}
