//! Writing a file of bindings: whole or not at all, and for its owner's eyes only.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use larder::{Error, ErrorKind, Result};
use tempfile::NamedTempFile;

/// What becomes of a file of bindings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// It was not there.
    New,
    /// It said something else.
    Replaced,
    /// It says the same already.
    Unchanged,
}

impl Written {
    /// What would become of a file. Changes nothing.
    ///
    /// # Errors
    ///
    /// `NotConfigured` when the file cannot be read.
    pub fn of(path: &Path, text: &str) -> Result<Self> {
        match fs::read(path) {
            Ok(there) if there == text.as_bytes() => Ok(Self::Unchanged),
            Ok(_) => Ok(Self::Replaced),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::New),
            Err(error) => Err(fault(path, "read", &error)),
        }
    }
}

/// Writes a file that only its owner can read and write (0600, where there are such modes). Whoever reads it meanwhile
/// sees the old one or the new one.
///
/// # Errors
///
/// `NotConfigured` when the file cannot be read or written.
pub fn write_bindings(path: &Path, text: &str) -> Result<Written> {
    let written = Written::of(path, text)?;
    let cannot = |error: io::Error| fault(path, "written", &error);
    if written == Written::Unchanged {
        owner_only(path).map_err(cannot)?;
        return Ok(written);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made with that mode, so that there is no moment in which others can read it.
    let mut file = NamedTempFile::new_in(folder).map_err(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(cannot)?;
    file.persist(path).map_err(|error| cannot(error.error))?;
    Ok(written)
}

#[cfg(unix)]
fn owner_only(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn owner_only(_: &Path) -> io::Result<()> {
    Ok(())
}

fn fault(path: &Path, what: &str, error: &io::Error) -> Error {
    Error::new(ErrorKind::NotConfigured, format!("{} cannot be {what} ({})", path.display(), error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("bindings.toml");
        let mode = || fs::metadata(&path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(write_bindings(&path, "a").expect("written"), Written::New);
        assert_eq!(mode(), 0o600);
        for text in ["a", "b"] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
            let written = write_bindings(&path, text).expect("written");
            assert_eq!(written, if text == "a" { Written::Unchanged } else { Written::Replaced });
            assert_eq!((mode(), fs::read_to_string(&path).expect("a file")), (0o600, text.to_owned()));
        }
        assert_eq!(fs::read_dir(folder.path()).expect("a directory").count(), 1, "nothing is left behind");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().expect("a directory");
        let error = write_bindings(&folder.path().join("absent/b.toml"), "a").expect_err("no directory");
        assert!(error.to_string().contains("absent"), "{error}");
        assert!(write_bindings(folder.path(), "a").is_err());
    }
}
