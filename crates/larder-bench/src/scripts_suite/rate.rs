//! Runs in a second of processor time, of the parent and its workers together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::{Kv, PutOptions};
use larder_scripts::{Limits, Pool, Request};
use tokio::task::JoinSet;

use super::runs::{good, pool, store};
use crate::Outcome;

const MEASURED: Duration = Duration::from_secs(3);
const WARM_UP: usize = 500;
/// What the kernel counts processor time in.
const TICKS_IN_A_SECOND: f64 = 100.0;

/// Runs at once, for each worker: one that is at work, and one that waits for its turn.
const AT_ONCE: usize = 2;

/// As many as the machine can do, with a worker for each core: one run alone would measure how cores wake each other.
pub(super) async fn of_scripts() -> Outcome<f64> {
    let cores = std::thread::available_parallelism()?.get();
    let (kv, pool) = (store(), Arc::new(pool(cores, Limits::new())?));
    let callers = AT_ONCE * cores;
    runs(&pool, &kv, callers, Until::Times(WARM_UP)).await?;
    let workers = pool.idle_workers();
    // What another one did would not be counted.
    if workers.len() != cores {
        return Err(format!("there are {} workers for {cores} cores", workers.len()).into());
    }
    let used = || -> Outcome<f64> {
        workers.iter().try_fold(ticks("self")?, |sum, worker| Ok(sum + ticks(&worker.to_string())?))
    };
    let (began, before) = (Instant::now(), used()?);
    let done = runs(&pool, &kv, callers, Until::Moment(began + MEASURED)).await?;
    let wall = f64::from(done) / began.elapsed().as_secs_f64();
    eprintln!("    {wall:.0} runs/s with {cores} workers");
    let rate = f64::from(done) * TICKS_IN_A_SECOND / (used()? - before);
    let (mut at_first, mut at_last) = (workers, pool.idle_workers());
    at_first.sort_unstable();
    at_last.sort_unstable();
    if at_first == at_last { Ok(rate) } else { Err("a worker was replaced meanwhile".into()) }
}

#[derive(Clone, Copy)]
enum Until {
    Times(usize),
    Moment(Instant),
}

/// Runs the script again and again in as many tasks; returns how many runs that were.
async fn runs(pool: &Arc<Pool>, kv: &Kv, callers: usize, until: Until) -> Outcome<u32> {
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        // One caller never has all workers at once.
        let request = Request { caller: caller.to_string(), ..good(kv) };
        let pool = Arc::clone(pool);
        tasks.spawn(async move {
            let mut done = 0;
            while match until {
                Until::Times(times) => (done as usize) < times,
                Until::Moment(end) => Instant::now() < end,
            } {
                let report = pool.run(request.clone()).await.map_err(|error| error.to_string())?;
                report.result.map_err(|failure| failure.as_str().to_owned())?;
                done += 1;
            }
            Ok::<u32, String>(done)
        });
    }
    let mut all = 0;
    while let Some(done) = tasks.join_next().await {
        all += done??;
    }
    Ok(all)
}

/// The same calls and the same loop without a script.
pub(super) async fn of_rust() -> Outcome<f64> {
    let kv = store();
    let (began, before) = (Instant::now(), ticks("self")?);
    let mut runs = 0_u32;
    while began.elapsed() < MEASURED {
        let before: u64 = kv.get_json("count").await?.unwrap_or_default();
        let sum: u64 = (0..100).map(|i| i * before).sum();
        std::hint::black_box(sum);
        kv.put_json("count", &(before + 1), PutOptions::new()).await?;
        runs += 1;
    }
    Ok(f64::from(runs) * TICKS_IN_A_SECOND / (ticks("self")? - before))
}

/// Processor time of a process so far.
fn ticks(process: &str) -> Outcome<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may have spaces in it.
    let (_, rest) = stat.rsplit_once(')').ok_or("the kernel tells no processor time")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let [user, system] = [11, 12].map(|at| fields.get(at).and_then(|field| field.parse::<f64>().ok()));
    user.zip(system)
        .map(|(user, system)| user + system)
        .ok_or_else(|| "the kernel tells no processor time".into())
}
