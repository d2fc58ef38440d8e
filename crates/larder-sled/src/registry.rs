//! The stores that this process has open, one per directory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use larder_core::{Error, ErrorKind, Result};

use crate::disk::{Files, Sync};
use crate::options::{Durability, SledOptions};
use crate::store::{Handle, Store, prepare};
use crate::sweeper::sweep;
use crate::ticker::Ticker;
use crate::writer::Writer;

/// sled locks a directory against every second opening, also by the same process, so that all users of a directory in a
/// process have to find the same store: this is the one place in Larder that needs a global.
static OPEN: LazyLock<Registry> = LazyLock::new(Registry::default);

/// How often the relaxed mode makes durable what it has acknowledged.
const RELAXED_FLUSH: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Registry {
    slots: Mutex<HashMap<PathBuf, Slot>>,
    closed: Condvar,
}

/// What is known of a directory.
enum Slot {
    Open(Weak<Handle>),
    /// The last handle is gone or going, and sled is writing its last pages.
    Closing,
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Frees a directory's slot when the store is closed.
#[derive(Debug)]
pub(crate) struct Closing(PathBuf);

impl Drop for Closing {
    fn drop(&mut self) {
        OPEN.lock().remove(&self.0);
        OPEN.closed.notify_all();
    }
}

/// Opens the store of a directory, or shares the one that is open. Blocks.
pub(crate) fn open(dir: &Path, options: &SledOptions) -> Result<Arc<Handle>> {
    open_with(dir, options, |files| Box::new(files))
}

/// The same, with something in place of the disk's syncing.
pub(crate) fn open_with(
    dir: &Path,
    options: &SledOptions,
    sync: impl FnOnce(Files) -> Box<dyn Sync>,
) -> Result<Arc<Handle>> {
    options.check()?;
    let dir = prepare(dir)?;
    let mut slots = OPEN.lock();
    loop {
        match slots.get(&dir) {
            None => break,
            Some(Slot::Open(handle)) => {
                if let Some(handle) = handle.upgrade() {
                    // Before the handle can be dropped: closing a store takes the lock.
                    drop(slots);
                    return shared(handle, &dir, options);
                }
            }
            Some(Slot::Closing) => {}
        }
        slots = OPEN.closed.wait(slots).unwrap_or_else(PoisonError::into_inner);
    }
    // Opening may take long: others may open other directories meanwhile, and wait for this one.
    slots.insert(dir.clone(), Slot::Closing);
    drop(slots);
    let (store, files) = Store::open(&dir, options, Closing(dir.clone()))?;
    let store = Arc::new(store);
    let name: Arc<str> = dir.to_string_lossy().into();
    let cannot_start = |error: std::io::Error| {
        let reason = format!("a thread of the store in {} could not be started", dir.display());
        Error::new(ErrorKind::Internal, reason).with_source(error)
    };
    // In this order: if a ticker does not start, the writer has to go before its thread is waited for.
    let (writer_thread, writer) = Writer::start(Arc::clone(&store), sync(files)).map_err(cannot_start)?;
    let mut tickers = Vec::new();
    if let Some(interval) = options.sweep_interval {
        let (writer, clock) = (writer.clone(), Arc::clone(&options.clock));
        let work = move |stop: &_| sweep(&writer, &*clock, stop);
        tickers.push(Ticker::start("larder-sweeper", interval, work).map_err(cannot_start)?);
    }
    if options.durability == Durability::Interval {
        let writer = writer.clone();
        // A failure stops the store, which says so to everybody.
        let work = move |_: &_| drop(writer.flush_blocking());
        tickers.push(Ticker::start("larder-flusher", RELAXED_FLUSH, work).map_err(cannot_start)?);
    }
    let handle =
        Arc::new(Handle { _tickers: tickers, writer, _writer_thread: writer_thread, store, dir: name });
    OPEN.lock().insert(dir, Slot::Open(Arc::downgrade(&handle)));
    OPEN.closed.notify_all();
    Ok(handle)
}

/// Another handle on a store that is open, if it is the one that is meant and can be used.
fn shared(handle: Arc<Handle>, dir: &Path, options: &SledOptions) -> Result<Arc<Handle>> {
    if !handle.store.is_in_place(dir) {
        return Err(Error::new(
            ErrorKind::NotProvisioned,
            format!(
                "{} was removed or replaced while this process has its store open: drop all handles on it first",
                handle.dir
            ),
        ));
    }
    if let Err(stopped) = handle.store.check() {
        let reason = format!("{}; drop all handles on {} first", stopped.message, handle.dir);
        return Err(Error::new(stopped.kind, reason));
    }
    if handle.store.durability == options.durability {
        return Ok(handle);
    }
    Err(Error::new(
        ErrorKind::NotConfigured,
        format!(
            "{} is open in this process with durability {:?}, and cannot be {:?} as well: give both bindings the same",
            handle.dir, handle.store.durability, options.durability
        ),
    ))
}
