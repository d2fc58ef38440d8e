//! Opening and filling the stores of the measurements.

use std::path::Path;

use larder_core::Kv;
use larder_sled::{Durability, SledDriver, SledOptions};

use crate::Outcome;

/// A store through Larder.
pub(super) async fn open(dir: &Path, durability: Durability) -> Outcome<Kv> {
    let options = SledOptions::new().durability(durability).sweep_interval(None);
    Ok(Kv::new(SledDriver::open(dir, options).await?))
}

/// The same store with sled itself, with the settings that Larder gives it.
pub(crate) fn open_raw(dir: &Path) -> Outcome<(sled::Db, sled::Tree)> {
    let db = sled::Config::default()
        .path(dir)
        .cache_capacity(64 * 1024 * 1024)
        .segment_size(8 * 1024 * 1024)
        .flush_every_ms(None)
        .open()?;
    let data = db.open_tree("data")?;
    Ok((db, data))
}

/// The keys of a filled store.
pub(crate) fn key(number: usize) -> String {
    format!("user:{number:08}")
}

/// A runtime as a service has it.
pub(crate) fn runtime() -> Outcome<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Fills a store with so many entries of so many bytes.
pub(crate) fn fill(dir: &Path, entries: usize, bytes: usize) -> Outcome<f64> {
    runtime()?.block_on(async {
        let kv = open(dir, Durability::Interval).await?;
        for first in (0..entries).step_by(10_000) {
            let batch = (first..entries.min(first + 10_000)).map(|number| {
                let mut value = vec![b'x'; bytes];
                let length = bytes.min(8);
                value[..length].copy_from_slice(&number.to_be_bytes()[8 - length..]);
                (key(number), value)
            });
            for result in kv.put_many(batch, None).await? {
                result?;
            }
        }
        Ok(0.0)
    })
}
