//! Writing a file of bindings: whole or not at all, and for its owner's eyes only.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
    /// What would become of a file. Changes nothing, and finds out whether it could be written: after the stores are made is
    /// too late for that.
    ///
    /// # Errors
    ///
    /// `NotConfigured` when the file cannot be read, or could not be replaced.
    pub fn of(path: &Path, text: &str) -> Result<Self> {
        let written = match fs::read(path) {
            Ok(there) if there == text.as_bytes() => return Ok(Self::Unchanged),
            Ok(_) => Self::Replaced,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::New,
            Err(error) => return Err(fault(path, "read", &error)),
        };
        let tried = NamedTempFile::new_in(folder(&end_of_links(path)));
        tried.map(|_| written).map_err(|error| fault(path, "written", &error))
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
    let end = end_of_links(path);
    let folder = folder(&end);
    // Made with that mode, so that there is no moment in which others can read it.
    let mut file = NamedTempFile::new_in(folder).map_err(cannot)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(cannot)?;
    file.persist(&end).map_err(|error| cannot(error.error))?;
    // Without it the name may not survive a loss of power. Not every system can open a directory.
    File::open(folder).map_or(Ok(()), |folder| folder.sync_all()).map_err(cannot)?;
    Ok(written)
}

/// The file that a name stands for, which need not be there: a link stays one.
fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // They end, or the system had told of a loop.
    while let Ok(target) = fs::read_link(&path) {
        path = folder(&path).join(target);
    }
    path
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
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

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one_and_leads_to_what_was_written() {
        let folder = tempfile::tempdir().expect("a directory");
        let (link, file) = (folder.path().join("link.toml"), folder.path().join("file.toml"));
        std::os::unix::fs::symlink("file.toml", &link).expect("a link");
        for text in ["a", "b"] {
            write_bindings(&link, text).expect("written");
            assert!(link.is_symlink());
            assert_eq!(fs::read_to_string(&file).expect("a file"), text);
        }
    }

    #[test]
    fn a_look_finds_what_could_not_be_written() {
        let folder = tempfile::tempdir().expect("a directory");
        assert!(Written::of(&folder.path().join("absent/b.toml"), "a").is_err());
        assert_eq!(Written::of(&folder.path().join("b.toml"), "a").expect("it could"), Written::New);
        assert_eq!(fs::read_dir(folder.path()).expect("a directory").count(), 0, "nothing is changed");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().expect("a directory");
        let error = write_bindings(&folder.path().join("absent/b.toml"), "a").expect_err("no directory");
        assert!(error.to_string().contains("absent"), "{error}");
        assert!(write_bindings(folder.path(), "a").is_err());
    }
}
