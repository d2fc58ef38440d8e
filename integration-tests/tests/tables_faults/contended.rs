//! Many tasks on the same keys, with replies lost: what is ambiguous is so for a reason that stands in the log.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use integration_tests::proxy::{Exchange, Fault, Rule};
use larder_core::{ErrorKind, PutOptions};

use crate::bench::{Bench, HOUR};

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

fn assert_justified(unknown: &[Unknown], log: &[Exchange]) {
    for Unknown { key, from, to } in unknown {
        // In the path of a row, or in the body of an insert.
        let named = [format!("RowKey='{key}'"), format!("\"{key}\"")];
        let is_reason = |exchange: &&Exchange| {
            !exchange.faults.is_empty()
                && exchange.operation != "GET"
                && (*from..=*to).contains(&exchange.received_at)
                && (exchange.path.contains(&named[0])
                    || String::from_utf8_lossy(&exchange.request).contains(&named[1]))
        };
        assert!(log.iter().any(|exchange| is_reason(&exchange)), "{key}: ambiguous, and no reply was lost");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_count_once_whoever_counts() {
    let bench = Arc::new(Bench::new().await);
    bench.proxy.rules([Rule::any().with(Fault::DropReply).probability(0.1, 11)]).await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move {
                let (mut sums, mut unknown) = (Vec::new(), Vec::new());
                for turn in 0..TURNS {
                    let key = format!("counter-{}", turn % 2);
                    let from = micros();
                    match bench.kv.increment(&key, 1, HOUR * 1_000).await {
                        Ok(sum) => sums.push((key, sum)),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
                            unknown.push(Unknown { key, from, to: micros() });
                        }
                    }
                    bench.pause();
                }
                (sums, unknown)
            })
        })
        .collect();
    let (mut sums, mut unknown) = (Vec::new(), Vec::new());
    for task in tasks {
        let (some, others) = task.await.expect("a task");
        sums.extend(some);
        unknown.extend(others);
    }
    let log = bench.proxy.settled().await;
    assert_justified(&unknown, &log);
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
    let bench = Arc::new(Bench::new().await);
    bench.proxy.rules([Rule::any().with(Fault::DropReply).probability(0.1, 13)]).await;
    let (mut won, mut open) = (0, 0);
    let mut unknown = Vec::new();
    for turn in 0..TURNS {
        let key = format!("lock-{turn}");
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (bench, key) = (Arc::clone(&bench), key.clone());
                tokio::spawn(async move {
                    let create = PutOptions::new().ttl(HOUR * 1_000).if_not_exists();
                    let from = micros();
                    let outcome = bench.kv.put(&key, format!("task-{task}"), create).await;
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
                    unknown.push(times);
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
    assert_justified(&unknown, &bench.proxy.settled().await);
    println!("{TURNS} keys, {won} told winners, {open} ambiguous of {}", TASKS * TURNS);
}
