//! The folder outside the clone in which emulators are installed, log, and are written down.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::{Outcome, say};

/// The folder. All clones of one user share it.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    root: PathBuf,
}

/// Held by the one run that may go on. The system lets go of it when the run ends, however it ends.
#[derive(Debug)]
#[must_use]
pub(crate) struct Lock {
    _file: File,
}

impl Cache {
    pub(crate) fn open() -> Outcome<Self> {
        // A relative path is to be ignored, says the XDG specification.
        let given = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
        let base =
            given.or_else(home).ok_or("there is no folder for the emulators: set HOME or XDG_CACHE_HOME")?;
        Self::at(&base.join("larder/emulators"))
    }

    pub(crate) fn at(root: &Path) -> Outcome<Self> {
        fs::create_dir_all(root).map_err(|error| format!("{} cannot be made: {error}", root.display()))?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A folder in this one, made if there is none.
    pub(crate) fn folder(&self, name: &str) -> Outcome<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(&path).map_err(|error| format!("{} cannot be made: {error}", path.display()))?;
        Ok(path)
    }

    /// Waits until no other run holds the lock of this name.
    pub(crate) fn lock(&self, name: &str) -> Outcome<Lock> {
        let path = self.path(&format!("{name}.lock"));
        let failed = |error: std::io::Error| format!("{} cannot be locked: {error}", path.display());
        let file = File::options().create(true).append(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                say(&format!("waiting for another run that holds {}", path.display()));
                file.lock().map_err(failed)?;
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(Lock { _file: file })
    }

    /// The folder of this name, which `build` fills if there is none.
    ///
    /// It is filled under another name and renamed when it is whole, so an interrupted installation leaves
    /// nothing that looks finished. Of two runs, one installs and the other waits for it.
    pub(crate) fn install(&self, name: &str, build: impl FnOnce(&Path) -> Outcome) -> Outcome<PathBuf> {
        let finished = self.path(name);
        if finished.exists() {
            return Ok(finished);
        }
        let _lock = self.lock(name)?;
        if finished.exists() {
            return Ok(finished);
        }
        let partial = self.path(&format!("{name}.partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial)
                .map_err(|error| format!("{} cannot be removed: {error}", partial.display()))?;
        }
        let partial = self.folder(&format!("{name}.partial"))?;
        build(&partial)?;
        fs::rename(&partial, &finished)
            .map_err(|error| format!("{} cannot be made: {error}", finished.display()))?;
        Ok(finished)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn two_runs_at_once_install_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        let builds = AtomicU32::new(0);
        let run = || {
            cache.install("some-1.0", |partial| {
                builds.fetch_add(1, Ordering::SeqCst);
                thread::yield_now();
                fs::write(partial.join("program"), "whole").map_err(|error| error.to_string())
            })
        };
        thread::scope(|scope| {
            for thread in [(); 4].map(|()| scope.spawn(run)) {
                let installed = thread.join().unwrap().unwrap();
                assert_eq!(fs::read_to_string(installed.join("program")).unwrap(), "whole");
            }
        });
        assert_eq!(builds.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn an_interrupted_installation_is_not_taken_for_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path()).unwrap();
        let interrupted = cache.install("some-1.0", |partial| {
            fs::write(partial.join("half"), "").unwrap();
            Err("no network".to_owned())
        });
        assert_eq!(interrupted, Err("no network".to_owned()));
        assert!(!cache.path("some-1.0").exists());

        let installed = cache
            .install("some-1.0", |partial| {
                fs::write(partial.join("program"), "").map_err(|error| error.to_string())
            })
            .unwrap();
        assert!(installed.join("program").exists());
        assert!(!installed.join("half").exists());
    }
}
