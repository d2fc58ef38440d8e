//! The memory that a streamed scan takes.

use std::hint::black_box;
use std::path::Path;

use futures_util::TryStreamExt;
use larder_sled::Durability;

use super::store::{open, open_raw, runtime};
use crate::Outcome;

const MIB: f64 = 1_024.0;

/// MiB by which the process grew at its largest while it scanned everything.
pub(super) fn run(dir: &Path, ours: bool) -> Outcome<f64> {
    if !ours {
        let (_db, data) = open_raw(dir)?;
        let before = resident_kib()?;
        for row in &data {
            black_box(row?);
        }
        return Ok((largest_kib()? - before) / MIB);
    }
    runtime()?.block_on(async {
        let kv = open(dir, Durability::Flush).await?;
        let before = resident_kib()?;
        let mut entries = kv.scan("");
        while let Some(entry) = entries.try_next().await? {
            black_box(entry);
        }
        Ok((largest_kib()? - before) / MIB)
    })
}

/// What the process holds now; from here on the largest is counted anew.
fn resident_kib() -> Outcome<f64> {
    std::fs::write("/proc/self/clear_refs", "5")?;
    status("VmRSS:")
}

pub(crate) fn largest_kib() -> Outcome<f64> {
    status("VmHWM:")
}

fn status(field: &str) -> Outcome<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line =
        status.lines().find_map(|line| line.strip_prefix(field)).ok_or("the kernel tells no memory use")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}
