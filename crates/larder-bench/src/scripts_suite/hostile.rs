//! Good runs, and hostile ones beside them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use larder_core::Kv;
use larder_scripts::{Failure, Limits, Pool};

use super::runs::{good, pool, request, store};
use crate::Outcome;

/// Bodies of functions that would go on for ever, take all memory, or flood whoever listens.
const HOSTILE: &[&str] = &[
    "for (;;);",
    "for (;;) await null",
    "return (7n ** 370000n).toString().length",
    "return new Array(2 ** 26).join('').length",
    "return /^(a+)+$/.test('a'.repeat(40) + 'b')",
    "const all = []; for (;;) all.push(new Array(1e5).fill(7))",
    "const f = () => { Promise.resolve().then(f); Promise.resolve().then(f) }; f(); await new Promise(() => {})",
    "const f = (n) => f(n + 1) + 1; return f(0)",
    "for (;;) console.log('x'.repeat(1e5))",
    "const all = []; for (let i = 0; i < 5000; i++) all.push(kv.exists('k')); await Promise.all(all)",
    "const a = {}; a.a = a; return a",
    "throw null",
];
const RUNS: usize = 1_000;
/// Of a thousand runs in all.
const HOSTILE_RUNS: usize = 150;

/// The 99th percentile of good runs one after the other, in microseconds, beside hostile ones or alone.
pub(super) async fn p99(is_beside: bool) -> Outcome<f64> {
    let (kv, pool) = (store(), pool(2, Limits::new().cpu(Duration::from_millis(60)))?);
    let good = good(&kv);
    for _ in 0..100 {
        pool.run(good.clone()).await?;
    }
    let is_over = AtomicBool::new(!is_beside);
    let hostile = async {
        let ended = if is_beside { hostile_runs(&kv, &pool).await } else { Ok(()) };
        is_over.store(true, Ordering::Relaxed);
        ended
    };
    let runs = async {
        let mut times = Vec::with_capacity(RUNS);
        // As long as there are hostile ones beside them.
        while times.len() < RUNS - HOSTILE_RUNS || !is_over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let report = pool.run(good.clone()).await?;
            times.push(began.elapsed());
            if let Err(failure) = report.result {
                return Err(format!("a good run failed: {}", failure.as_str()).into());
            }
        }
        times.sort();
        Ok(times[times.len() * 99 / 100].as_secs_f64() * 1e6)
    };
    let (p99, hostile): (Outcome<f64>, Outcome<()>) = tokio::join!(runs, hostile);
    hostile.and(p99)
}

async fn hostile_runs(kv: &Kv, pool: &Pool) -> Outcome<()> {
    for number in 0..HOSTILE_RUNS {
        let body = HOSTILE[number % HOSTILE.len()];
        let source = format!("export default async (input, {{ kv }}) => {{ {body} }}");
        let report = pool.run(request(kv, "hostile", &source)).await?;
        if let Err(Failure::Crashed) = report.result {
            return Err(format!("a worker was lost with {body}").into());
        }
    }
    Ok(())
}
