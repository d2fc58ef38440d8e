//! Making and removing the store of a directory.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use larder_core::provision::{
    Confirmed, Goal, Plan, Provisioner, Step, apply_layout, new_layout, plan_layout, refuse_strangers,
};
use larder_core::{Error, ErrorKind, Kv, Result};
use tokio::task::spawn_blocking;

use crate::driver::SledDriver;
use crate::error::{cannot_use, in_use};
use crate::options::SledOptions;
use crate::snapshots::Snapshot;

const DIRECTORY: &str = "directory";
const STORE: &str = "store";
/// An embedded store has one.
const SHARDS: u16 = 1;

/// Makes and removes an embedded store.
///
/// Its name, which a removal wants to hear again, is the last part of the directory's path. A removal takes the files of
/// the store and, if nothing else is in it, the directory.
pub struct SledProvisioner {
    dir: PathBuf,
    name: String,
    options: SledOptions,
}

/// What a directory holds.
enum Found {
    Nothing,
    Store,
    /// What a process leaves behind that was killed while it made or removed the store.
    Remains,
}

impl SledProvisioner {
    /// Prepares to make the store of a directory. Touches nothing.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a path without a last part, as `/` or `..`.
    pub fn new(dir: impl Into<PathBuf>, options: SledOptions) -> Result<Self> {
        let dir = dir.into();
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).ok_or_else(|| {
            let message = format!("{:?} has no name: give a directory as data/cache", dir.display());
            Error::new(ErrorKind::InvalidInput, message)
        })?;
        Ok(Self { dir, name, options })
    }

    fn plan_of(&self, steps: Vec<Step>) -> Plan {
        Plan::new(format!("directory {}", self.dir.display()), steps)
    }

    async fn open(&self) -> Result<Kv> {
        Ok(Kv::new(SledDriver::open(&self.dir, self.options.clone()).await?))
    }

    async fn found(&self) -> Result<Found> {
        let dir = self.dir.clone();
        blocking(move || found(&dir)).await
    }
}

#[async_trait]
impl Provisioner for SledProvisioner {
    fn name(&self) -> &str {
        &self.name
    }

    async fn plan(&self, goal: Goal) -> Result<Plan> {
        let steps = match (goal, self.found().await?) {
            (Goal::Present, Found::Store) => match self.open().await {
                Ok(kv) => vec![Step::keep(STORE, "is there"), plan_layout(&kv, SHARDS).await?],
                // A service that runs is no reason not to say what there is.
                Err(error) if error.kind() == ErrorKind::Unavailable => {
                    vec![Step::keep(STORE, "is there"), Step::leave("layout record", error.message())]
                }
                Err(error) => vec![conflict(error)?],
            },
            (Goal::Present, Found::Nothing | Found::Remains) => {
                let directory = match self.dir.exists() {
                    true => Step::keep(DIRECTORY, "is there"),
                    false => Step::create(DIRECTORY, self.dir.display().to_string()),
                };
                vec![directory, Step::create(STORE, "empty"), new_layout(SHARDS)]
            }
            (Goal::Absent, Found::Nothing) => {
                return Ok(Plan::nothing_there(format!("directory {}", self.dir.display())));
            }
            (Goal::Absent, Found::Remains) => vec![Step::delete(STORE, "what is left of one")],
            (Goal::Absent, Found::Store) => {
                let stranger = match self.open().await {
                    Ok(kv) => refuse_strangers(&kv).await?,
                    Err(error) => Some(conflict(error)?),
                };
                vec![stranger.unwrap_or_else(|| Step::delete(STORE, "with all that is in it"))]
            }
        };
        Ok(self.plan_of(steps))
    }

    async fn apply(&self) -> Result<Plan> {
        let mut plan = self.plan(Goal::Present).await?.without_conflict()?;
        if plan.has_changes() {
            let settled = apply_layout(&self.open().await?, SHARDS).await?;
            if let Some(layout) = plan.steps.last_mut() {
                *layout = settled;
            }
        }
        Ok(plan)
    }

    async fn remove(&self, _: Confirmed) -> Result<Plan> {
        let plan = self.plan(Goal::Absent).await?.without_conflict()?;
        if plan.has_changes() {
            let dir = self.dir.clone();
            blocking(move || remove(&dir)).await?;
        }
        Ok(plan)
    }
}

impl fmt::Debug for SledProvisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledProvisioner").field("dir", &self.dir).finish_non_exhaustive()
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.map_err(|error| {
        Error::new(ErrorKind::Internal, "looking at the directory panicked").with_source(error)
    })?
}

/// A store that is there and cannot be used, as what is in the way.
fn conflict(error: Error) -> Result<Step> {
    match error.kind() {
        ErrorKind::NotProvisioned
        | ErrorKind::Corrupt
        | ErrorKind::Unsupported
        | ErrorKind::NotConfigured => Ok(Step::conflict(STORE, error.message())),
        _ => Err(error),
    }
}

fn found(dir: &Path) -> Result<Found> {
    match fs::metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(cannot_use(dir, &error)),
        Ok(metadata) if !metadata.is_dir() => {
            return Err(cannot_use(dir, &io::ErrorKind::NotADirectory.into()));
        }
        Ok(_) => {}
    }
    let settings = fs::read(dir.join("conf")).unwrap_or_default();
    // Somebody else's file may have the same name.
    let is_sleds = settings.starts_with(b"segment_size: ");
    Ok(match (dir.join("db").exists(), is_sleds) {
        (true, true) => Found::Store,
        (false, true) => Found::Remains,
        _ => Found::Nothing,
    })
}

/// Removes the files of the store, and the directory if it is then empty. Blocks.
///
/// The store is locked meanwhile. Its settings go last: by them whoever comes after a crash knows what is left of it.
fn remove(dir: &Path) -> Result<()> {
    let cannot = |error: io::Error| cannot_use(dir, &error);
    let held = match File::open(dir.join("db")) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(cannot(error)),
    };
    if held.is_some() {
        // Waits for the store that was looked at a moment ago to be closed, and leaves the lock to be taken.
        crate::lock::take_over(dir)?;
    }
    match held.as_ref().map(File::try_lock) {
        Some(Err(TryLockError::WouldBlock)) => return Err(in_use(dir)),
        Some(Err(TryLockError::Error(error))) => return Err(cannot(error)),
        Some(Ok(())) | None => {}
    }
    for entry in fs::read_dir(dir).map_err(cannot)? {
        let entry = entry.map_err(cannot)?;
        if Snapshot::named(&entry.file_name()).is_some() {
            gone(fs::remove_file(entry.path())).map_err(cannot)?;
        }
    }
    let blobs = dir.join("blobs");
    match fs::read_dir(&blobs) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(cannot)?;
                // sled names them by their place in its log.
                if entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()) {
                    gone(fs::remove_file(entry.path())).map_err(cannot)?;
                }
            }
            if_empty(fs::remove_dir(&blobs)).map_err(cannot)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(cannot(error)),
    }
    for name in ["db", "conf"] {
        gone(fs::remove_file(dir.join(name))).map_err(cannot)?;
    }
    if_empty(fs::remove_dir(dir)).map_err(cannot)
}

/// A removal of what may be gone already.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The removal of a directory that others may have put something into.
fn if_empty(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        other => gone(other),
    }
}
