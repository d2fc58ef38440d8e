//! Runs in a second of processor time, of the parent and its worker together.

use std::time::{Duration, Instant};

use larder_core::PutOptions;
use larder_scripts::Limits;

use super::runs::{good, pool, store};
use crate::Outcome;

const MEASURED: Duration = Duration::from_secs(3);
const WARM_UP: usize = 500;
/// What the kernel counts processor time in.
const TICKS_IN_A_SECOND: f64 = 100.0;

pub(super) async fn of_scripts() -> Outcome<f64> {
    let (kv, pool) = (store(), pool(1, Limits::new())?);
    let request = good(&kv);
    let run = async || -> Outcome<()> {
        pool.run(request.clone()).await?.result.map(drop).map_err(|failure| failure.as_str().into())
    };
    for _ in 0..WARM_UP {
        run().await?;
    }
    let [worker] = pool.idle_workers()[..] else { return Err("there is not one worker".into()) };
    let used = || -> Outcome<f64> { Ok(ticks("self")? + ticks(&worker.to_string())?) };
    let (began, before) = (Instant::now(), used()?);
    let mut runs = 0_u32;
    while began.elapsed() < MEASURED {
        run().await?;
        runs += 1;
    }
    let wall = f64::from(runs) / began.elapsed().as_secs_f64();
    eprintln!("    {wall:.0} runs/s one after the other");
    Ok(f64::from(runs) * TICKS_IN_A_SECOND / (used()? - before))
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
