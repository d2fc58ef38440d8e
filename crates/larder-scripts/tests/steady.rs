//! Many runs: good ones beside hostile ones, and what stays in memory. Alone in its process, which it measures.

#[path = "scripts/hostile_scripts.rs"]
mod hostile_scripts;
#[path = "scripts/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::iter;
use larder_scripts::{Failure, Limits, Report};
use serde_json::json;

use crate::hostile_scripts::{GOOD, HOSTILE};
use crate::support::{Bench, module, options};

/// One after the other: each wants the machine for itself.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How long good runs take one after the other, with so many hostile ones between them.
async fn good_runs(bench: &Bench, good: usize, hostile: usize) -> Vec<Duration> {
    let mut request = bench.request(&module(GOOD), Some(json!(7)));
    request.tenant = "good".to_owned();
    let hostile_runs = iter(0..hostile)
        .map(|number| {
            let (name, body) = HOSTILE[number % HOSTILE.len()];
            let mut request = bench.request(&module(body), None);
            // Tenants of their own: the good one's worker is not ended for them.
            request.tenant = "hostile".to_owned();
            request.caller = "hostile".to_owned();
            async move { (name, bench.pool.run(request).await) }
        })
        .buffer_unordered(1)
        .for_each(async |(name, report)| {
            let report: Report = report.expect(name);
            assert!(!matches!(report.result, Err(Failure::Crashed)), "{name}");
        });
    let good_runs = async {
        let mut times = Vec::with_capacity(good);
        for _ in 0..good {
            let began = Instant::now();
            let report = bench.pool.run(request.clone()).await.expect("it is begun");
            times.push(began.elapsed());
            assert_eq!(report.result.expect("a result").get(), "4950");
        }
        times
    };
    let (times, ()) = tokio::join!(good_runs, hostile_runs);
    times
}

fn percentile_99(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_runs_good_and_hostile_and_no_good_one_waits_for_a_hostile_one() {
    let _turn = TURN.lock().await;
    let limits = Limits::new().cpu(Duration::from_millis(60)).wall(Duration::from_secs(20));
    let bench = Bench::with(options().workers(2).limits(limits));
    good_runs(&bench, 50, 0).await;
    let alone = percentile_99(&mut good_runs(&bench, 850, 0).await);
    let beside = percentile_99(&mut good_runs(&bench, 850, 150).await);
    // A machine with two busy processors, in a debug build: the limit of a hostile run is what it must not come near.
    let most = (2 * alone).max(Duration::from_millis(100));
    assert!(beside <= most, "{alone:?} alone, {beside:?} beside hostile ones");
    println!("99th percentile of good runs: {alone:?} alone, {beside:?} beside hostile ones");
}

#[cfg(target_os = "linux")]
fn resident_kib(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_runs_leave_nothing_in_memory() {
    let _turn = TURN.lock().await;
    let mut options = options().workers(1);
    options.runs_per_worker = u64::MAX;
    let bench = Bench::with(options);
    let request = bench.request(&module(GOOD), Some(json!(7)));
    let sizes = async || {
        let [id] = bench.pool.idle_workers()[..] else { panic!("one worker") };
        (resident_kib("self"), resident_kib(&id.to_string()))
    };
    let mut seen = Vec::new();
    for round in 0..10 {
        for _ in 0..1_000 {
            bench.pool.run(request.clone()).await.expect("it is begun").result.expect("a result");
        }
        if round >= 1 {
            seen.push(sizes().await);
        }
    }
    let ((parent_before, worker_before), (parent, worker)) = (seen[0], seen[seen.len() - 1]);
    println!("KiB of the parent and of the worker, every 1,000 runs: {seen:?}");
    // Of 8,000 runs a leak of a few hundred bytes each would be megabytes.
    assert!(parent <= parent_before + 2_048, "{seen:?}");
    assert!(worker <= worker_before + 1_024, "{seen:?}");
}
