//! sled's snapshots, and files that it would take for them.
//!
//! sled takes everything whose name begins with `snap.` for a snapshot: it reads the last of them by name when it opens a
//! store, finds it damaged if it is something else, and removes the others. An editor's backup is enough.

use std::ffi::OsStr;
use std::path::Path;
use std::{fs, io};

use larder_core::{Error, ErrorKind, Result};

use crate::error::cannot_use;

/// A snapshot of sled's, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Snapshot {
    /// It has its final name.
    Finished,
    /// It was being written.
    Unfinished,
}

impl Snapshot {
    /// `snap.` and 16 digits, as sled writes them; `None` for any other file.
    pub(crate) fn named(name: &OsStr) -> Option<Self> {
        let number = name.to_str()?.strip_prefix("snap.")?;
        let (number, snapshot) = match number.strip_suffix(".generating") {
            Some(number) => (number, Self::Unfinished),
            None => (number, Self::Finished),
        };
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
        (number.len() == 16 && number.bytes().all(is_digit)).then_some(snapshot)
    }
}

/// Refuses a directory in which sled would read, or remove, a file of somebody else's as its own. It is left as it is.
pub(crate) fn refuse_mistakable_files(dir: &Path) -> Result<()> {
    let is_mistaken = |name: &OsStr| is_taken_for_snapshot(name) && Snapshot::named(name).is_none();
    // sled cannot read names there that are no text.
    let is_no_text = |name: &OsStr| name.to_str().is_none();
    for (place, is_in_the_way) in
        [(dir.to_owned(), &is_mistaken as &dyn Fn(&OsStr) -> bool), (dir.join("blobs"), &is_no_text)]
    {
        if let Some(name) = first(&place, is_in_the_way).map_err(|error| cannot_use(dir, &error))? {
            let message = format!(
                "{} holds a file that is not sled's and that sled would take for one of its own, {name:?}: move it to \
                 another directory; the store itself was not looked at",
                place.display()
            );
            return Err(Error::new(ErrorKind::NotProvisioned, message));
        }
    }
    Ok(())
}

fn is_taken_for_snapshot(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"snap.")
}

fn first(dir: &Path, is_meant: &dyn Fn(&OsStr) -> bool) -> io::Result<Option<std::ffi::OsString>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        if is_meant(&name) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_known_by_its_whole_name() {
        let named = |name: &str| Snapshot::named(OsStr::new(name));
        assert_eq!(named("snap.0000000000EE0D58"), Some(Snapshot::Finished));
        assert_eq!(named("snap.0000000000EE0D58.generating"), Some(Snapshot::Unfinished));
        for other in [
            "snap.",
            "snap.txt",
            "snap.0000000000EE0D58~",
            "snap.0000000000EE0D58.bak",
            "snap.EE0D58",
            "snap.0000000000ee0d58",
            "snap.generating",
            "snap.notes.generating",
            "SNAP.0000000000EE0D58",
            "db",
            "conf",
        ] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}
