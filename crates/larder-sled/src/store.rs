//! An open store: sled's trees, and what stands between them and its users.

use std::fs;
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
use crate::options::{Durability, SledOptions};
use crate::pending::Pending;
use crate::registry::Closing;
use crate::sweeper::Stop;
use crate::writer::Writer;

/// sled keeps values beyond a quarter of its segments, and tree nodes beyond the same, in separate files; with this size
/// nodes of 24 KiB values stay well below. It is written into the store and cannot change.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;
/// How often the relaxed mode flushes.
const RELAXED_FLUSH_MILLIS: u64 = 500;

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
    _closing: Closing,
}

impl Store {
    /// Opens or makes the store of a directory. Blocks.
    pub(crate) fn open(dir: &Path, options: &SledOptions, closing: Closing) -> Result<(Self, Files)> {
        refuse_foreign_files(dir)?;
        let config = sled::Config::default()
            .path(dir)
            .cache_capacity(options.cache_bytes)
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(match options.durability {
                // The writer flushes.
                Durability::Flush => None,
                Durability::Interval => Some(RELAXED_FLUSH_MILLIS),
            });
        // sled panics on some damaged files.
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let db = config.open()?;
            let data = db.open_tree("data")?;
            let expiry = db.open_tree("expiry")?;
            Ok((db, data, expiry))
        }));
        let (db, data, expiry) = match opened {
            Ok(opened) => opened.map_err(|error| cannot_open(dir, error))?,
            Err(_) => return Err(Error::new(ErrorKind::Corrupt, damaged(dir.display()))),
        };
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
            _closing: closing,
        };
        Ok((store, files))
    }

    /// Refuses work for good.
    pub(crate) fn poison(&self, cause: &str) {
        let message = format!(
            "the store has stopped, since what it wrote could not be made durable ({cause}): mend the disk and open it again"
        );
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

/// Makes the directory, and gives its one true name.
pub(crate) fn prepare(dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(dir).map_err(|error| cannot_use(dir, &error))?;
    dir.canonicalize().map_err(|error| cannot_use(dir, &error))
}

/// Refuses to make a store among somebody else's files.
fn refuse_foreign_files(dir: &Path) -> Result<()> {
    if dir.join("db").exists() {
        return Ok(());
    }
    let entries = fs::read_dir(dir).map_err(|error| cannot_use(dir, &error))?;
    for entry in entries {
        let name = entry.map_err(|error| cannot_use(dir, &error))?.file_name();
        let name = name.to_string_lossy();
        let is_ours = ["conf", "blobs", "snap"].iter().any(|ours| name.starts_with(ours));
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
    pub(crate) _sweeper: Option<(Stop, Joined)>,
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
