//! Scripts in a directory: for development.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use larder_core::{Error, ErrorKind, Result};

use crate::limits::MAX_SOURCE_BYTES;
use crate::name::check_script_name;
use crate::pool::Script;

/// The endings that files of scripts have.
const ENDINGS: [&str; 2] = ["js", "mjs"];

/// Scripts in a directory: `NAME.js` or `NAME.mjs`. A file is read at every run, so that a change is there at once.
#[derive(Clone)]
pub struct ScriptDirectory(PathBuf);

impl ScriptDirectory {
    /// The scripts in this directory.
    ///
    /// # Errors
    ///
    /// `NotConfigured` when there is no such directory.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        if path.is_dir() {
            return Ok(Self(path));
        }
        Err(Error::new(ErrorKind::NotConfigured, format!("{} is no directory", path.display())))
    }

    /// The names of the scripts in it.
    ///
    /// # Errors
    ///
    /// `Unavailable` when the directory cannot be read.
    pub fn list(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.0).map_err(|error| self.unreadable(&error))? {
            let path = entry.map_err(|error| self.unreadable(&error))?.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if let Some(name) = path.file_stem().and_then(|name| name.to_str())
                && ending.is_some_and(|ending| ENDINGS.contains(&ending))
                && check_script_name(name).is_ok()
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// A script as its file is now; `None` if there is none.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a name that is none, and for a file that is too long or no text; `Unavailable` for one that
    /// cannot be read.
    pub fn load(&self, name: &str) -> Result<Option<Script>> {
        check_script_name(name)?;
        for ending in ENDINGS {
            let path = self.0.join(format!("{name}.{ending}"));
            let bytes = match std::fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let what = format!("the file of the script {name:?}");
                    return Err(unreadable(&what, &path, &error));
                }
            };
            let source = String::from_utf8(bytes).ok().filter(|source| source.len() <= MAX_SOURCE_BYTES);
            let source = source.ok_or_else(|| {
                let what =
                    format!("the file of the script {name:?} is no text of up to {MAX_SOURCE_BYTES} bytes");
                Error::new(ErrorKind::InvalidInput, what)
            })?;
            return Ok(Some(Script::of(name, source)));
        }
        Ok(None)
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        unreadable("the directory of the scripts", &self.0, error)
    }
}

impl fmt::Debug for ScriptDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScriptDirectory").field(&self.0).finish()
    }
}

/// Where it is stands in the log: callers of a gateway have no business with the paths of its machine.
fn unreadable(what: &str, path: &Path, error: &io::Error) -> Error {
    tracing::warn!(target: "larder", path = %path.display(), %error, "scripts cannot be read");
    Error::new(ErrorKind::Unavailable, format!("{what} cannot be read: {error}"))
}
