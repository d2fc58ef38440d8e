//! The stores that this process has open, one per directory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use larder_core::{Error, ErrorKind, Result};

use crate::disk::{Files, Sync};
use crate::options::SledOptions;
use crate::store::{Handle, Store, prepare};
use crate::sweeper;
use crate::writer::Writer;

/// sled locks a directory against every second opening, also by the same process, so that all users of a directory in a
/// process have to find the same store: this is the one place in Larder that needs a global.
static OPEN: LazyLock<Registry> = LazyLock::new(Registry::default);

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
    let dir = prepare(dir)?;
    let mut slots = OPEN.lock();
    loop {
        match slots.get(&dir) {
            None => break,
            Some(Slot::Open(handle)) => {
                if let Some(handle) = handle.upgrade() {
                    // Before the handle can be dropped: closing a store takes the lock.
                    drop(slots);
                    return shared(handle, options);
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
        Error::new(ErrorKind::Internal, "a thread of the store could not be started").with_source(error)
    };
    let (writer, writer_thread) = Writer::start(Arc::clone(&store), sync(files)).map_err(cannot_start)?;
    let sweeper = options.sweep_interval.map(|interval| {
        sweeper::start(writer.clone(), interval, Arc::clone(&options.clock)).map_err(cannot_start)
    });
    let handle = Arc::new(Handle {
        _sweeper: sweeper.transpose()?,
        writer,
        _writer_thread: writer_thread,
        store,
        dir: name,
    });
    OPEN.lock().insert(dir, Slot::Open(Arc::downgrade(&handle)));
    OPEN.closed.notify_all();
    Ok(handle)
}

fn shared(handle: Arc<Handle>, options: &SledOptions) -> Result<Arc<Handle>> {
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
