//! Many tasks on the same keys, with replies lost: what is ambiguous is so for a reason that stands in the log.
//!
//! Every task has a proxy of its own, so that its log shows its own requests and nobody else's.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use integration_tests::proxy::{Exchange, Fault, FaultProxy, Rule};
use larder_core::{ErrorKind, PutOptions};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::bench::Bench;
use crate::cloud::{GET, is_about, request};
use crate::op::{HOUR, Op};

const TASKS: usize = 16;
const TURNS: usize = 40;

/// An operation whose outcome nobody knows.
struct Unknown {
    key: String,
    from: u64,
    to: u64,
}

fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_micros()).expect("a clock before the end of time")
}

/// Each was ambiguous since a reply to one of its own requests was lost. A task does one thing after the other.
fn assert_justified(unknown: &[Unknown], log: &[Exchange]) {
    for Unknown { key, from, to } in unknown {
        let is_reason = |exchange: &&Exchange| {
            !exchange.faults.is_empty()
                && exchange.operation != GET
                && (*from..=*to).contains(&exchange.received_at)
                && is_about(exchange, key)
        };
        assert!(log.iter().any(|exchange| is_reason(&exchange)), "{key}: ambiguous, and no reply was lost");
    }
}

async fn lose_a_tenth_of_the_replies(proxy: &FaultProxy, task: usize) {
    let seed = u64::try_from(task).expect("few tasks") + 11;
    proxy.rules([Rule::any().with(Fault::DropReply).probability(0.1, seed)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_count_once_whoever_counts() {
    let bench = Arc::new(Bench::new().await);
    let turns = Arc::new(Barrier::new(TASKS));
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let (bench, turns) = (Arc::clone(&bench), Arc::clone(&turns));
        let (proxy, kv) = bench.lane().await;
        lose_a_tenth_of_the_replies(&proxy, task).await;
        tasks.spawn(async move {
            let (mut sums, mut unknown) = (Vec::new(), Vec::new());
            for turn in 0..TURNS {
                let key = format!("counter-{}", turn % 2);
                let from = micros();
                match kv.increment(&key, 1, HOUR * 1_000).await {
                    Ok(sum) => sums.push((key, sum)),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
                        unknown.push(Unknown { key, from, to: micros() });
                    }
                }
                bench.pause_between(&turns).await;
            }
            assert_justified(&unknown, &proxy.settled().await);
            (sums, unknown)
        });
    }
    let (mut sums, mut unknown) = (Vec::new(), Vec::new());
    while let Some(task) = tasks.join_next().await {
        let (some, others) = task.expect("a task");
        sums.extend(some);
        unknown.extend(others);
    }
    let distinct: HashSet<_> = sums.iter().collect();
    assert_eq!(distinct.len(), sums.len(), "two calls were told the same sum");
    for key in ["counter-0", "counter-1"] {
        let counted: i64 =
            bench.truth.get_text(key).await.expect("a read").expect("there").parse().expect("a number");
        let known = sums.iter().filter(|(of, _)| of == key).count() as i64;
        let open = unknown.iter().filter(|unknown| unknown.key == key).count() as i64;
        println!("{key}: {counted} counted, {known} known, {open} ambiguous");
        assert!((known..=known + open).contains(&counted), "{key}: counted {counted}");
        assert!(sums.iter().filter(|(of, _)| of == key).all(|(_, sum)| *sum <= counted), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_creates_wins() {
    let bench = Bench::new().await;
    let mut lanes = Vec::new();
    for task in 0..TASKS {
        let (proxy, kv) = bench.lane().await;
        lose_a_tenth_of_the_replies(&proxy, task).await;
        lanes.push((proxy, kv, Vec::new()));
    }
    let (mut won, mut open) = (0, 0);
    for turn in 0..TURNS {
        let key = format!("lock-{turn}");
        let tasks: Vec<_> = lanes
            .iter()
            .enumerate()
            .map(|(task, (_, kv, _))| {
                let (kv, key) = (kv.clone(), key.clone());
                tokio::spawn(async move {
                    let create = PutOptions::new().ttl(HOUR * 1_000).if_not_exists();
                    let from = micros();
                    let outcome = kv.put(&key, format!("task-{task}"), create).await;
                    (task, outcome, Unknown { key, from, to: micros() })
                })
            })
            .collect();
        let (mut winners, mut candidates) = (Vec::new(), Vec::new());
        for task in tasks {
            let (task, outcome, times) = task.await.expect("a task");
            match outcome {
                Ok(outcome) if outcome.is_stored() => winners.push(task),
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
                    candidates.push(task);
                    lanes[task].2.push(times);
                }
            }
        }
        let stored = bench.truth.get_text(&key).await.expect("a read").expect("one has won");
        let holds = |tasks: &[usize]| tasks.iter().any(|task| stored == format!("task-{task}"));
        assert!(winners.len() <= 1, "{key}: {winners:?} were all told that they won");
        assert!(
            holds(&winners) || (winners.is_empty() && holds(&candidates)),
            "{key}: {stored} has won unknown"
        );
        won += winners.len();
        open += candidates.len();
        bench.pause();
    }
    for (proxy, _, unknown) in &lanes {
        assert_justified(unknown, &proxy.settled().await);
    }
    println!("{TURNS} keys, {won} told winners, {open} ambiguous of {}", TASKS * TURNS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_duplicate_counts_for_nothing_behind_others() {
    let bench = Bench::new().await;
    for others in [0, 1, 3, 6] {
        let key = format!("late-{others}");
        bench.kv.increment(&key, 1, HOUR).await.expect("it is made");
        bench.proxy.reset().await;
        // The network delivers it a second time, when others have counted.
        let late = Fault::Duplicate(Duration::from_millis(500));
        bench.proxy.rules([Rule::on(request(Op::Increment, true)).first(1).with(late)]).await;
        for count in 0..=others {
            assert_eq!(bench.kv.increment(&key, 1, HOUR).await.expect("it counts"), 2 + count);
        }
        let log = bench.proxy.settled().await;
        let repeated = log.iter().find(|exchange| !exchange.duplicates.is_empty()).expect("one was repeated");
        let again = &repeated.duplicates[0];
        let is_before = |exchange: &&Exchange| exchange.forwarded_at < Some(again.forwarded_at);
        let writes = log.iter().filter(|exchange| exchange.operation == request(Op::Increment, true));
        assert_eq!(writes.filter(is_before).count() as i64, 1 + others, "it came behind the others");
        assert!(again.upstream.is_some(), "and was delivered");
        let counted = bench.truth.get_text(&key).await.expect("a read");
        assert_eq!(counted, Some((2 + others).to_string()), "behind {others} others");
    }
}
