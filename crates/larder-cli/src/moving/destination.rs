//! Files that commands write: where they are, and where they must not be.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use larder::Binding;

use crate::failure::{Failure, Outcome};

/// The directory that a file is in.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file that a name stands for which is not there yet: the end of its links.
///
/// Only for a path of which the system has said that it is not there.
pub(crate) fn end_of_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // They end, or the system had told of a loop.
    while let Ok(target) = fs::read_link(&path) {
        path = folder(&path).join(target);
    }
    path
}

/// Makes the name of a new file in a directory outlive a loss of power. Not every system can open a directory.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder).map_or(Ok(()), |folder| folder.sync_all())
}

/// Refuses a file in the directory of an embedded store, whose own files it might replace.
pub(crate) fn refuse_within(file: &Path, binding: &Binding) -> Outcome<()> {
    let Binding::LocalKv(local) = binding else { return Ok(()) };
    let dir = real(&local.data_dir);
    if !real(file).starts_with(&dir) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{} lies in the directory of the embedded store {}, whose files are the store's alone: name a file elsewhere",
        file.display(),
        local.data_dir.display()
    )))
}

/// The place itself, however it was named, and whether or not it is there.
fn real(path: &Path) -> PathBuf {
    let path = match path.canonicalize() {
        Ok(real) => return real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => end_of_links(path),
        // As of links in a loop: whoever opens it is told.
        Err(_) => return path.to_owned(),
    };
    let path = std::path::absolute(&path).unwrap_or(path);
    // What is there of it, as it is, and the rest as it is named.
    let there = path.ancestors().find_map(|there| Some((there, there.canonicalize().ok()?)));
    match there.and_then(|(there, real)| Some(real.join(path.strip_prefix(there).ok()?))) {
        Some(real) => real,
        None => path,
    }
}
