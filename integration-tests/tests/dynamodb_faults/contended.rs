//! Many tasks on the same keys, with replies lost: what is ambiguous is so for a reason that stands in the log.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration_tests::proxy::{Exchange, Fault, Rule};
use larder_core::{ErrorKind, PutOptions};

use crate::bench::{Bench, HOUR};

const TASKS: usize = 16;
const TURNS: usize = 40;

/// What an operation of unknown outcome is known by in the log.
struct Unknown {
    key: String,
    /// What stands in its first request and in no other operation's.
    mark: String,
}

/// Each was ambiguous since a reply to one of its own requests was lost.
fn assert_justified(unknown: &[Unknown], log: &[Exchange]) {
    let requests: Vec<_> = log.iter().map(|exchange| String::from_utf8_lossy(&exchange.request)).collect();
    for Unknown { key, mark } in unknown {
        let quoted = format!("\"{key}\"");
        let is_first =
            |request: &&std::borrow::Cow<'_, str>| request.contains(&quoted) && request.contains(mark);
        let first = requests.iter().find(is_first).expect("it was sent");
        // What an increment sends again bears its id; a create's fresh attempts bear its value.
        let id = first.split_once(r#"":id":{"B":""#).and_then(|(_, rest)| rest.split('"').next());
        let is_own = |request: &str| {
            request.contains(&quoted) && (request.contains(mark) || id.is_some_and(|id| request.contains(id)))
        };
        let lost = log.iter().zip(&requests).any(|(exchange, request)| {
            exchange.operation != "GetItem" && !exchange.faults.is_empty() && is_own(request)
        });
        assert!(lost, "{key}: ambiguous, and every request of its own was answered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_count_once_whoever_counts() {
    let bench = Arc::new(Bench::new().await);
    bench.proxy.rules([Rule::any().with(Fault::DropReply).probability(0.1, 11)]).await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move {
                let (mut sums, mut unknown) = (Vec::new(), Vec::new());
                for turn in 0..TURNS {
                    let key = format!("counter-{}", turn % 2);
                    // The clock moves in whole tens of seconds, so that the last digits of the expiry are this call's own.
                    let own = Duration::from_millis(1_000 + (task * TURNS + turn) as u64);
                    match bench.kv.increment(&key, 1, HOUR * 1_000 + own).await {
                        Ok(sum) => sums.push((key, sum)),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
                            let mark = format!("{:04}\"}}", own.as_millis());
                            unknown.push(Unknown { key, mark });
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
                    let value = format!("task-{task:02}");
                    let mark = format!("\"{}\"", STANDARD.encode(&value));
                    (task, bench.kv.put(&key, value, create).await, Unknown { key, mark })
                })
            })
            .collect();
        let (mut winners, mut candidates) = (Vec::new(), Vec::new());
        for task in tasks {
            let (task, outcome, as_unknown) = task.await.expect("a task");
            match outcome {
                Ok(outcome) if outcome.is_stored() => winners.push(task),
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
                    candidates.push(task);
                    unknown.push(as_unknown);
                }
            }
        }
        let stored = bench.truth.get_text(&key).await.expect("a read").expect("one has won");
        let holds = |tasks: &[usize]| tasks.iter().any(|task| stored == format!("task-{task:02}"));
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_duplicate_counts_for_nothing_behind_others() {
    let bench = Bench::new().await;
    for others in [0, 1, 3, 6] {
        let key = format!("late-{others}");
        bench.kv.increment(&key, 1, HOUR).await.expect("it is made");
        bench.proxy.reset().await;
        // The network delivers it a second time, when others have counted.
        bench
            .proxy
            .rules([Rule::on("UpdateItem").first(1).with(Fault::Duplicate(Duration::from_millis(300)))])
            .await;
        assert_eq!(bench.kv.increment(&key, 1, HOUR).await.expect("it counts"), 2);
        for other in 0..others {
            assert_eq!(bench.kv.increment(&key, 1, HOUR).await.expect("it counts"), 3 + other);
        }
        let log = bench.proxy.settled().await;
        let duplicate = &log[0].duplicates[0];
        let later = log.iter().filter(|exchange| exchange.forwarded_at < Some(duplicate.forwarded_at));
        assert_eq!(later.count() as i64, 1 + others, "it came behind the others");
        assert_eq!(duplicate.upstream.as_ref().expect("it was delivered").status, 400, "and was refused");
        let counted = bench.truth.get_text(&key).await.expect("a read");
        assert_eq!(counted, Some((2 + others).to_string()), "behind {others} others");
    }
}
