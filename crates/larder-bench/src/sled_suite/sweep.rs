//! A sweep costs what has expired, not what is stored.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::{Kv, ManualClock, SweepOutcome};
use larder_sled::{Durability, SledDriver, SledOptions};

use super::store::runtime;
use crate::Outcome;

pub(super) const EXPIRED: usize = 1_000;
const REPEATS: usize = 5;

/// Milliseconds of a sweep that removes 1,000 entries; the median of some.
pub(super) fn run(dir: &Path, key: impl Fn(usize) -> String) -> Outcome<f64> {
    runtime()?.block_on(async {
        let clock = Arc::new(ManualClock::default());
        let options = SledOptions::new().durability(Durability::Interval).sweep_interval(None);
        let kv = Kv::builder(SledDriver::open(dir, options).await?).clock(Arc::clone(&clock) as _).build();
        let mut millis = Vec::new();
        for _ in 0..REPEATS {
            let batch = (0..EXPIRED).map(|number| (key(number), "x".repeat(100)));
            for result in kv.put_many(batch, Duration::from_secs(1)).await? {
                result?;
            }
            clock.advance(Duration::from_secs(2));
            let started = Instant::now();
            let swept = kv.sweep().await?;
            millis.push(started.elapsed().as_secs_f64() * 1e3);
            assert_eq!(swept, SweepOutcome::Swept { removed: EXPIRED });
        }
        millis.sort_by(f64::total_cmp);
        Ok(millis[REPEATS / 2])
    })
}
