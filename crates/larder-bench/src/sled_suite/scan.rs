//! A scan of everything.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use futures_util::TryStreamExt;
use larder_sled::Durability;

use super::store::{open, open_raw, runtime};
use crate::Outcome;

/// Milliseconds of a scan with its values; the second one, with sled's cache warm.
pub(super) fn run(dir: &Path, ours: bool) -> Outcome<f64> {
    if !ours {
        let (_db, data) = open_raw(dir)?;
        let mut millis = 0.0;
        for _ in 0..2 {
            let started = Instant::now();
            let mut rows = 0;
            for row in &data {
                black_box(row?);
                rows += 1;
            }
            millis = started.elapsed().as_secs_f64() * 1e3;
            assert!(rows > 100_000, "the layout record and the entries");
        }
        return Ok(millis);
    }
    runtime()?.block_on(async {
        let kv = open(dir, Durability::Flush).await?;
        let mut millis = 0.0;
        for _ in 0..2 {
            let started = Instant::now();
            let mut rows = 0;
            let mut entries = kv.scan("");
            while let Some(entry) = entries.try_next().await? {
                black_box(entry);
                rows += 1;
            }
            millis = started.elapsed().as_secs_f64() * 1e3;
            assert_eq!(rows, 100_000);
        }
        Ok(millis)
    })
}

/// The same without the values.
pub(super) fn keys(dir: &Path) -> Outcome<f64> {
    runtime()?.block_on(async {
        let kv = open(dir, Durability::Flush).await?;
        let mut millis = 0.0;
        for _ in 0..2 {
            let started = Instant::now();
            let mut rows = 0;
            let mut keys = kv.scan_keys("");
            while let Some(info) = keys.try_next().await? {
                black_box(info);
                rows += 1;
            }
            millis = started.elapsed().as_secs_f64() * 1e3;
            assert_eq!(rows, 100_000);
        }
        Ok(millis)
    })
}
