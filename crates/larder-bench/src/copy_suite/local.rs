//! Copies between embedded stores, beside raw sled.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::program::copy;
use crate::Outcome;
use crate::sled_suite::memory::largest_kib;
use crate::sled_suite::store;

const VALUE_BYTES: usize = 100;
/// How many entries raw sled makes durable at once: as many as a page of a copy.
const BATCH: usize = 1_000;
const KIB_IN_A_MIB: f64 = 1_024.0;

pub(super) fn source(dir: &Path, entries: usize) -> PathBuf {
    dir.join(format!("copy-{entries}"))
}

pub(super) fn fill(dir: &Path, entries: usize) -> Outcome<f64> {
    store::fill(&source(dir, entries), entries, VALUE_BYTES)
}

/// Entries in a second.
pub(super) fn rate(dir: &Path, entries: usize, ours: bool) -> Outcome<f64> {
    let to = tempfile::tempdir_in(dir)?;
    let started = Instant::now();
    let from = source(dir, entries);
    if ours {
        copy(&from, &format!("local-kv:{}", to.path().display()), &[])?;
    } else {
        raw(&from, to.path())?;
    }
    Ok(entries as f64 / started.elapsed().as_secs_f64())
}

/// MiB that a large copy takes more than a small one.
pub(super) fn slope(dir: &Path, few: usize, many: usize, ours: bool) -> Outcome<f64> {
    let memory = |entries: usize| {
        if ours {
            let to = tempfile::tempdir_in(dir)?;
            return copy(&source(dir, entries), &format!("local-kv:{}", to.path().display()), &[]);
        }
        // In a process of its own as well.
        let case = if entries == few { "copy:raw-memory-200k" } else { "copy:raw-memory-1M" };
        let output =
            Command::new(std::env::current_exe()?).args(["--worker", case, "theirs"]).arg(dir).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    };
    Ok((memory(many)? - memory(few)?) / KIB_IN_A_MIB)
}

/// The most memory that a copy by hand takes, in KiB.
pub(super) fn raw_memory(dir: &Path, entries: usize) -> Outcome<f64> {
    let to = tempfile::tempdir_in(dir)?;
    raw(&source(dir, entries), to.path())?;
    largest_kib()
}

/// Copies the rows as they are, and makes each batch durable.
fn raw(from: &Path, to: &Path) -> Outcome<()> {
    let (_source, rows) = store::open_raw(from)?;
    let (target, copied) = store::open_raw(to)?;
    let file = File::options().write(true).open(to.join("db"))?;
    let mut batch = sled::Batch::default();
    let mut length = 0;
    for row in &rows {
        let (key, value) = row?;
        batch.insert(key, value);
        length += 1;
        if length == BATCH {
            copied.apply_batch(std::mem::take(&mut batch))?;
            target.flush()?;
            file.sync_data()?;
            length = 0;
        }
    }
    copied.apply_batch(batch)?;
    target.flush()?;
    file.sync_data()?;
    Ok(())
}
