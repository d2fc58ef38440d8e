//! Making sled's files durable.
//!
//! sled's `flush` hands its pages to the operating system and issues no fsync on Linux, so that durability is ours to
//! complete: one `fdatasync` of its one data file. The segment size is chosen so that values of 24 KiB never go to separate
//! blob files; should sled make one after all, it is synced too.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

/// What makes everything flushed so far durable. Tests replace it by one that fails.
pub(crate) trait Sync: Send + fmt::Debug {
    fn sync(&self) -> io::Result<()>;
}

/// sled's files in a directory.
#[derive(Debug)]
pub(crate) struct Files {
    data: File,
    blobs: PathBuf,
    /// When the blob directory was last seen to change.
    blobs_changed: Mutex<Option<SystemTime>>,
}

impl Files {
    /// The files of a store that is open, after making their names durable, and the settings that sled opens them by.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let data = File::open(dir.join("db"))?;
        let blobs = dir.join("blobs");
        File::open(dir.join("conf"))?.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(Self { data, blobs, blobs_changed: Mutex::new(None) })
    }

    fn sync_blobs(&self) -> io::Result<()> {
        let changed = match fs::metadata(&self.blobs) {
            Ok(metadata) => metadata.modified().ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut seen = self.blobs_changed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *seen == changed {
            return Ok(());
        }
        for blob in fs::read_dir(&self.blobs)? {
            match File::open(blob?.path()) {
                Ok(file) => file.sync_all()?,
                // sled removes blobs that nothing refers to.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        File::open(&self.blobs)?.sync_all()?;
        *seen = changed;
        Ok(())
    }
}

impl Sync for Files {
    fn sync(&self) -> io::Result<()> {
        self.sync_blobs()?;
        self.data.sync_data()
    }
}
