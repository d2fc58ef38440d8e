//! An open store: sled's trees, and what stands between them and its users.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use larder_core::driver::DriverError;
use larder_core::{Error, ErrorKind, Result};
use sled::Tree;

use crate::disk::{Files, Sync};
use crate::error::{cannot_open, cannot_use, damaged};
use crate::lock;
use crate::options::{Durability, SledOptions};
use crate::pending::Pending;
use crate::registry::Closing;
use crate::snapshots::{Snapshot, refuse_mistakable_files};
use crate::ticker::Ticker;
use crate::writer::Writer;

/// sled keeps values beyond a quarter of its segments, and tree nodes beyond the same, in separate files; with this size
/// nodes of 24 KiB values stay well below. It is written into the store and cannot change.
pub(crate) const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// An open store.
///
/// The fields are dropped in this order: the trees before the notice that the directory is free again.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) db: sled::Db,
    /// Canonical key → record.
    pub(crate) data: Tree,
    /// Expiry and canonical key → nothing.
    pub(crate) expiry: Tree,
    pub(crate) pending: Pending,
    /// Why the store refuses further work, once a flush has failed (P5).
    poison: OnceLock<DriverError>,
    pub(crate) durability: Durability,
    /// Which file the store is in, to notice when it is replaced under its name.
    identity: Option<Identity>,
    _closing: Closing,
}

impl Store {
    /// Opens or makes the store of a directory. Blocks.
    pub(crate) fn open(dir: &Path, options: &SledOptions, closing: Closing) -> Result<(Self, Files)> {
        refuse_foreign_files(dir)?;
        lock::take_over(dir)?;
        refuse_mistakable_files(dir)?;
        let config = config(dir, options.cache_bytes);
        let db = recovered(dir, || config.open())?;
        refuse_foreign_trees(dir, &db)?;
        let data = recovered(dir, || db.open_tree("data"))?;
        let expiry = recovered(dir, || db.open_tree("expiry"))?;
        // What sled wrote to make or recover the store.
        db.flush().map_err(|error| cannot_open(dir, error))?;
        let files = Files::open(dir).map_err(|error| cannot_use(dir, &error))?;
        files.sync().map_err(|error| cannot_use(dir, &error))?;
        let store = Self {
            db,
            data,
            expiry,
            pending: Pending::default(),
            poison: OnceLock::new(),
            durability: options.durability,
            identity: identity(dir),
            _closing: closing,
        };
        Ok((store, files))
    }

    /// Whether the directory still holds the files that this store has open.
    pub(crate) fn is_in_place(&self, dir: &Path) -> bool {
        self.identity == identity(dir)
    }

    /// Refuses work for good.
    pub(crate) fn poison(&self, cause: &str) {
        let message = format!("the store has stopped, since a write could not be made durable: {cause}");
        tracing::error!(target: "larder", "{message}");
        let _ = self.poison.set(DriverError::refused(ErrorKind::Unavailable, message).permanent());
    }

    /// Refuses an operation on a store that has stopped.
    pub(crate) fn check(&self) -> Result<(), DriverError> {
        match self.poison.get() {
            None => Ok(()),
            Some(error) => Err(error.clone()),
        }
    }
}

/// The settings that every store has.
pub(crate) fn config(dir: &Path, cache_bytes: u64) -> sled::Config {
    sled::Config::default()
        .path(dir)
        .cache_capacity(cache_bytes)
        .segment_size(SEGMENT_BYTES)
        // The writer flushes in both modes: sled's own flusher only logs what fails.
        .flush_every_ms(None)
}

/// What sled reads back. It panics on some damaged files.
fn recovered<T>(dir: &Path, read: impl FnOnce() -> sled::Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(read) => read.map_err(|error| cannot_open(dir, error)),
        Err(_) => Err(Error::new(ErrorKind::Corrupt, damaged(dir))),
    }
}

/// Makes the directory, durably, and gives its one true name.
pub(crate) fn prepare(dir: &Path) -> Result<PathBuf> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
    fs::create_dir_all(dir).map_err(|error| cannot_use(dir, &error))?;
    for parent in missing.iter().filter_map(|made| made.parent()) {
        // The parent of a relative name.
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        // One that may not be read cannot be synced either.
        if let Ok(parent) = File::open(parent) {
            parent.sync_all().map_err(|error| cannot_use(dir, &error))?;
        }
    }
    dir.canonicalize().map_err(|error| cannot_use(dir, &error))
}

type Identity = (u64, u64);

/// The device and the number of the store's file, where the platform has them.
#[cfg(unix)]
fn identity(dir: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(dir.join("db")).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}

/// Refuses a sled store that somebody else made (L1).
fn refuse_foreign_trees(dir: &Path, db: &sled::Db) -> Result<()> {
    let ours: [&[u8]; 3] = [b"__sled__default", b"data", b"expiry"];
    if db.is_empty() && db.tree_names().iter().all(|name| ours.contains(&name.as_ref())) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::NotProvisioned,
        format!("{} holds a sled store that Larder did not make: name an empty directory", dir.display()),
    ))
}

/// Refuses to make a store among somebody else's files.
fn refuse_foreign_files(dir: &Path) -> Result<()> {
    // sled writes its settings before anything else.
    if dir.join("db").exists() && dir.join("conf").exists() {
        return Ok(());
    }
    let entries = fs::read_dir(dir).map_err(|error| cannot_use(dir, &error))?;
    for entry in entries {
        let file_name = entry.map_err(|error| cannot_use(dir, &error))?.file_name();
        let name = file_name.to_string_lossy();
        // What a process leaves behind that was killed while it made the store.
        let is_ours = name == "conf" || name == "blobs" || Snapshot::named(&file_name).is_some();
        // A fresh volume has these.
        let is_harmless = name.starts_with('.') || name == "lost+found";
        if !is_ours && !is_harmless {
            return Err(Error::new(
                ErrorKind::NotProvisioned,
                format!(
                    "{} holds no Larder store but other files ({name:?}): name an empty directory",
                    dir.display()
                ),
            ));
        }
    }
    Ok(())
}

/// A store that several drivers share, with its writer and its sweeper.
///
/// Dropping the last one blocks until the store is closed, so that a process that ends in good order has lost nothing, in the
/// relaxed mode either. The fields are dropped in this order: each one ends what the next one waits for.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) _tickers: Vec<Ticker>,
    pub(crate) writer: Writer,
    pub(crate) _writer_thread: Joined,
    pub(crate) store: Arc<Store>,
    pub(crate) dir: Arc<str>,
}

/// A thread that is waited for when this is dropped.
#[derive(Debug)]
pub(crate) struct Joined(Option<JoinHandle<()>>);

impl Joined {
    /// Starts a thread.
    pub(crate) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        thread::Builder::new().name(name.to_owned()).spawn(work).map(|thread| Self(Some(thread)))
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        // A thread that panicked has said so itself.
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}
