//! A sweep costs what has expired, not what is stored.
//!
//! sled rewrites a page of a half-empty segment along with every page that it replaces, once its file has more than five
//! segments. A large store pays that with any write, a sweep's removals included, and a small one never does. So a
//! large store's sweep is compared with raw sled removing as many entries by hand from the same store.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_core::{Kv, ManualClock, SweepOutcome};
use larder_sled::{Durability, SledDriver, SledOptions};

use super::store::{open_raw, runtime};
use crate::Outcome;

pub(super) const EXPIRED: usize = 1_000;
const REPEATS: usize = 15;

/// Milliseconds of a sweep that removes 1,000 entries.
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
        Ok(median(millis))
    })
}

/// Milliseconds of the same by hand: find the hints, read the records, remove both.
pub(super) fn raw(dir: &Path, key: impl Fn(usize) -> String) -> Outcome<f64> {
    let (db, data) = open_raw(dir)?;
    let hints = db.open_tree("expiry")?;
    let mut millis = Vec::new();
    for _ in 0..REPEATS {
        for number in 0..EXPIRED {
            let key = key(number);
            // As long as a record with its header.
            data.insert(&key, "x".repeat(138).as_bytes())?;
            hints.insert([&[0; 8], key.as_bytes()].concat(), &[])?;
        }
        let started = Instant::now();
        let mut removed = 0;
        for hint in hints.range(..[0, 0, 0, 0, 0, 0, 0, 1]).keys() {
            let hint = hint?;
            let key = &hint[8..];
            assert!(data.get(key)?.is_some());
            data.remove(key)?;
            hints.remove(&hint)?;
            removed += 1;
        }
        millis.push(started.elapsed().as_secs_f64() * 1e3);
        assert_eq!(removed, EXPIRED);
    }
    Ok(median(millis))
}

fn median(mut millis: Vec<f64>) -> f64 {
    millis.sort_by(f64::total_cmp);
    millis[REPEATS / 2]
}
