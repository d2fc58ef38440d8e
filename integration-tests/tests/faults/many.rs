//! Ten thousand operations with one reply in ten lost, each task on keys of its own.

use std::sync::Arc;

use integration_tests::proxy::{Fault, Rule};
use larder_core::{DeleteOutcome, ErrorKind, Kv, PutOptions, PutOutcome, Result, TouchOptions, Version};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::bench::Bench;
use crate::op::HOUR;

const TASKS: usize = 8;
const OPERATIONS: usize = 1_250;
const KEYS: usize = 8;

#[derive(Default, Debug)]
struct Tally {
    operations: usize,
    ambiguous: Vec<&'static str>,
}

/// A key that one task alone uses: what is there, for certain.
#[derive(Clone, Default)]
struct Known {
    value: Option<String>,
    version: Option<Version>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_operations_with_a_tenth_of_the_replies_lost() {
    let bench = Arc::new(Bench::new().await);
    bench.proxy.rules([Rule::any().with(Fault::DropReply).probability(0.1, 7)]).await;
    let turns = Arc::new(Barrier::new(TASKS));
    let mut tasks: JoinSet<_> =
        (0..TASKS).map(|task| play(Arc::clone(&bench), Arc::clone(&turns), task)).collect();
    let mut all = Tally::default();
    while let Some(tally) = tasks.join_next().await {
        let tally = tally.expect("no outcome was untrue");
        all.operations += tally.operations;
        all.ambiguous.extend(tally.ambiguous);
    }
    let log = bench.proxy.settled().await;
    let lost = log.iter().filter(|exchange| !exchange.faults.is_empty()).count();
    println!(
        "{} operations, {} requests, {lost} replies lost, {} ambiguous: {:?}",
        all.operations,
        log.len(),
        all.ambiguous.len(),
        all.ambiguous
    );
    assert_eq!(all.operations, TASKS * OPERATIONS);
    assert!(lost * 12 > log.len(), "a tenth of the replies is lost");
    assert!(all.ambiguous.len() * 1_000 < all.operations * 5, "{} are ambiguous", all.ambiguous.len());
}

async fn play(bench: Arc<Bench>, turns: Arc<Barrier>, task: usize) -> Tally {
    let mut rng = StdRng::seed_from_u64(task as u64);
    let mut known: Vec<Known> = vec![Known::default(); KEYS];
    let mut tally = Tally::default();
    for number in 0..OPERATIONS {
        let at = rng.random_range(0..KEYS);
        // Counters have keys of their own.
        let counts = at < 2;
        let key = format!("task-{task}-{at}");
        let value = if counts { format!("{number}") } else { format!("v{number}") };
        let roll = rng.random_range(0..100);
        let outcome = step(&bench.kv, &key, &value, roll, counts, &mut known[at]).await;
        tally.operations += 1;
        if let Err(what) = outcome {
            tally.ambiguous.push(what);
            // Nobody knows, so that it is looked up, by a handle that loses nothing.
            let entry = bench.truth.get_entry(&key).await.expect("a read");
            known[at].version = entry.as_ref().map(|entry| entry.version().clone());
            known[at].value =
                entry.map(|entry| String::from_utf8(entry.into_value().to_vec()).expect("text"));
        }
        bench.pause_between(&turns).await;
    }
    for (at, known) in known.iter().enumerate() {
        let found = bench.truth.get_text(format!("task-{task}-{at}")).await.expect("a read");
        assert_eq!(found, known.value, "task {task}, key {at}: an acknowledged write is lost");
    }
    tally
}

/// Does one operation and checks it against what is known; says which one was ambiguous.
async fn step(
    kv: &Kv,
    key: &str,
    value: &str,
    roll: u32,
    counts: bool,
    known: &mut Known,
) -> std::result::Result<(), &'static str> {
    // Longer than the whole run, by the clock that moves with every turn.
    let options = PutOptions::new().ttl(HOUR * 1_000);
    match roll {
        0..29 => {
            let found = kv.get_text(key).await.expect("a read goes through");
            assert_eq!(found, known.value, "{key}: a read");
        }
        29..49 => {
            let outcome = certain(kv.put(key, value, options).await, "put")?;
            stored(outcome, value, known);
        }
        49..64 => {
            let was_there = known.value.is_some();
            let outcome = certain(kv.put(key, value, options.if_not_exists()).await, "put if absent")?;
            assert_eq!(outcome.is_stored(), !was_there, "{key}: put if absent");
            stored(outcome, value, known);
        }
        64..76 => {
            let Some(version) = known.version.clone() else { return Ok(()) };
            let outcome = certain(kv.put(key, value, options.if_version(version)).await, "put if version")?;
            assert!(outcome.is_stored(), "{key}: nobody else writes");
            stored(outcome, value, known);
        }
        76..81 => {
            let touch = TouchOptions::expire_after(HOUR * 1_000);
            let outcome = certain(kv.touch(key, touch).await, "touch")?;
            assert_eq!(outcome.is_touched(), known.value.is_some(), "{key}: touch");
            if let larder_core::TouchOutcome::Touched(version) = outcome {
                known.version = Some(version);
            }
        }
        81..89 => {
            certain(kv.delete(key).await, "delete")?;
            *known = Known::default();
        }
        89..98 if counts => {
            let before: i64 = known.value.as_ref().map_or(0, |value| value.parse().expect("a number"));
            let sum = certain(kv.increment(key, 7, HOUR * 1_000).await, "increment")?;
            assert_eq!(sum, before + 7, "{key}: increment");
            *known = Known { value: Some(sum.to_string()), version: None };
        }
        89..98 => {
            let results = kv.put_many([(key, value)], HOUR * 1_000).await.expect("the input is right");
            let version = certain(results.into_iter().next().expect("one answer"), "put_many")?;
            *known = Known { value: Some(value.to_owned()), version: Some(version) };
        }
        _ => {
            let Some(version) = known.version.clone() else { return Ok(()) };
            let outcome = certain(kv.delete_if_version(key, version).await, "delete if version")?;
            assert!(matches!(outcome, DeleteOutcome::Deleted), "{key}: nobody else writes");
            *known = Known::default();
        }
    }
    Ok(())
}

fn stored(outcome: PutOutcome, value: &str, known: &mut Known) {
    if let PutOutcome::Stored(version) = outcome {
        *known = Known { value: Some(value.to_owned()), version: Some(version) };
    }
}

/// Any error but `Ambiguous` would be wrong: a lost reply is the only trouble there is.
fn certain<T>(result: Result<T>, what: &'static str) -> std::result::Result<T, &'static str> {
    match result {
        Ok(outcome) => Ok(outcome),
        Err(error) if error.kind() == ErrorKind::Ambiguous => Err(what),
        Err(error) => panic!("{what}: {error}"),
    }
}
