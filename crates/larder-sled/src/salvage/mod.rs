//! Reading what can be read of a store that sled does not open any more.
//!
//! sled keeps pages in a log of segments. It gives up at the first message that is damaged, or drops all that comes behind
//! it. Here the log is read by itself: a message whose checksum is wrong is passed, and reading goes on at the next one whose
//! checksum is right. What is found is put into a new store.

mod log;
mod pages;
mod wire;

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::Path;

use larder_core::{CanonicalKey, Error, ErrorKind, Kv, Result};
use sled::IVec;
use tokio::task::spawn_blocking;

use self::pages::Pages;
use crate::error::{cannot_open, cannot_use, in_use};
use crate::options::SledOptions;
use crate::store::config;
use crate::{Durability, SledDriver};

/// How many records are written at once.
const BATCH: usize = 1_000;

/// What was found in a damaged store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Salvaged {
    /// Records, those of Larder's own and expired ones included.
    pub records: usize,
}

/// Puts what can be read of a damaged store into a new one, in a directory that is empty or not there yet.
///
/// The damaged store is not changed. Of a store that is whole everything is found. Where something is damaged, an older
/// state of some entries may come up in place of the last one, and entries that had been deleted may be there again: see to
/// it that they can do no harm. It takes as much memory as there is data.
///
/// # Errors
///
/// `NotProvisioned` when there is no store; `Unavailable` when somebody has it open; otherwise what keeps the disk from
/// reading or writing.
pub async fn salvage(from: impl AsRef<Path>, into: impl AsRef<Path>) -> Result<Salvaged> {
    let (from, into) = (from.as_ref().to_owned(), into.as_ref().to_owned());
    let rows = blocking(move || read(&from)).await?;
    // A layout record, for a store whose own is lost.
    let options = SledOptions::new().durability(Durability::Interval).sweep_interval(None);
    let fresh = Kv::new(SledDriver::open(&into, options).await?);
    if !fresh.scan_keys_collect("", 1).await?.items.is_empty() {
        let message = format!("{} holds entries: name an empty directory", into.display());
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    drop(fresh);
    let records = rows.len();
    blocking(move || write(&into, rows)).await?;
    Ok(Salvaged { records })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let work = spawn_blocking(work).await;
    work.map_err(|_| Error::new(ErrorKind::Internal, "the reading of a damaged store has failed"))?
}

/// All rows of the tree `data`, as they lie there.
fn read(dir: &Path) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let path = dir.join("db");
    let file = File::open(&path).map_err(|error| cannot_use(&path, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(in_use(dir)),
        Err(TryLockError::Error(error)) => return Err(cannot_use(dir, &error)),
    }
    let mut pages = Pages::default();
    log::read(&file, |message| pages.apply(message)).map_err(|error| cannot_use(&path, &error))?;
    Ok(pages.into_rows().filter(|(key, value)| is_row_of_data(key, value)).collect())
}

/// The other trees hold keys that are no canonical ones, or nothing behind them.
fn is_row_of_data(key: &[u8], value: &[u8]) -> bool {
    let key = std::str::from_utf8(key).ok().and_then(CanonicalKey::from_canonical);
    key.is_some() && !value.is_empty()
}

fn write(dir: &Path, rows: BTreeMap<Vec<u8>, Vec<u8>>) -> Result<()> {
    crate::lock::take_over(dir)?;
    let failed = |error| cannot_open(dir, error);
    let store = config(dir, SledOptions::new().cache_bytes).open().map_err(failed)?;
    let data = store.open_tree("data").map_err(failed)?;
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut batch = sled::Batch::default();
        for (key, value) in rows.by_ref().take(BATCH) {
            batch.insert(IVec::from(key), IVec::from(value));
        }
        data.apply_batch(batch).map_err(failed)?;
    }
    store.flush().map_err(failed)?;
    let file = File::open(dir.join("db")).map_err(|error| cannot_use(dir, &error))?;
    file.sync_all().map_err(|error| cannot_use(dir, &error))
}
