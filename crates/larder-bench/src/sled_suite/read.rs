//! A point read: what Larder adds to sled's own time.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use larder_sled::Durability;

use super::store::{key, open, open_raw, runtime};
use crate::Outcome;

const READS: usize = 200_000;

/// Nanoseconds of a read, of keys in no order, all in sled's cache.
pub(super) fn run(dir: &Path, entries: usize, ours: bool) -> Outcome<f64> {
    let keys: Vec<String> = (0..entries).map(|number| key(number * 7_919 % entries)).collect();
    if ours {
        let runtime = runtime()?;
        let kv = runtime.block_on(open(dir, Durability::Flush))?;
        return runtime.block_on(async {
            for key in &keys {
                kv.get(key).await?;
            }
            let started = Instant::now();
            for key in keys.iter().cycle().take(READS) {
                black_box(kv.get(key).await?);
            }
            Ok(nanos_each(started))
        });
    }
    let (_db, data) = open_raw(dir)?;
    for key in &keys {
        data.get(key)?;
    }
    let started = Instant::now();
    for key in keys.iter().cycle().take(READS) {
        black_box(data.get(key)?);
    }
    Ok(nanos_each(started))
}

#[expect(clippy::cast_precision_loss, reason = "a count of reads is small")]
fn nanos_each(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e9 / READS as f64
}
