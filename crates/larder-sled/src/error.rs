//! sled's errors, as kinds (E1).

use std::io;
use std::path::Path;

use larder_core::driver::DriverError;
use larder_core::{Error, ErrorKind};

/// The error of a store that cannot be opened.
pub(crate) fn cannot_open(dir: &Path, error: sled::Error) -> Error {
    let (kind, message) = match &error {
        sled::Error::Io(io) if is_locked(io) => return in_use(dir).with_source(error),
        sled::Error::Corruption { .. } | sled::Error::ReportableBug(_) => (ErrorKind::Corrupt, damaged(dir)),
        sled::Error::Io(io) if is_damage(io) => (ErrorKind::Corrupt, damaged(dir)),
        sled::Error::Io(io) => return cannot_use(dir, io),
        sled::Error::Unsupported(reason) => (
            ErrorKind::Unsupported,
            format!("{} was made with other settings or by another version of sled: {reason}", dir.display()),
        ),
        sled::Error::CollectionNotFound(_) => {
            (ErrorKind::Internal, format!("a tree of {} is missing", dir.display()))
        }
    };
    Error::new(kind, message).with_source(error)
}

/// The error of a directory that another process has open.
pub(crate) fn in_use(dir: &Path) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!(
            "{} is in use by another process, and an embedded store belongs to one at a time: stop that process, or \
             give this one a directory of its own",
            dir.display()
        ),
    )
}

/// The error of a directory that cannot be made, read or written.
pub(crate) fn cannot_use(dir: &Path, error: &io::Error) -> Error {
    let (kind, what) = trouble(error);
    Error::new(kind, format!("{}: {what}", dir.display()))
}

/// The error of a store whose files cannot be read back.
pub(crate) fn damaged(dir: &Path) -> String {
    format!(
        "{} holds a damaged store: restore it from a copy, read what is left with `larder export --salvage`, or move it \
         away to begin anew",
        dir.display()
    )
}

/// The error of an attempt that sled refused.
///
/// sled keeps its first I/O error for good, so that no retry helps before the store is opened again.
pub(crate) fn failed(error: &sled::Error) -> DriverError {
    match error {
        sled::Error::Io(io) if !is_damage(io) => {
            let (kind, what) = trouble(io);
            DriverError::refused(kind, what).permanent()
        }
        sled::Error::Corruption { .. } | sled::Error::Io(_) => {
            DriverError::refused(ErrorKind::Corrupt, "the store's file is damaged")
        }
        other => DriverError::refused(ErrorKind::Internal, other.to_string()),
    }
}

/// What an I/O error means, and the way out.
pub(crate) fn trouble(error: &io::Error) -> (ErrorKind, String) {
    match error.kind() {
        io::ErrorKind::PermissionDenied => (
            ErrorKind::Unauthorized,
            "this process may not write there: give it the right, or another directory".into(),
        ),
        io::ErrorKind::ReadOnlyFilesystem => (
            ErrorKind::Unauthorized,
            "the file system is read-only: mount it writable, or use another directory".into(),
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => (
            ErrorKind::Unavailable,
            "there is no room left on the disk: free some, then open the store again".into(),
        ),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            (ErrorKind::NotProvisioned, "this is no directory: name one, or one that can be made".into())
        }
        _ => (
            ErrorKind::Unavailable,
            format!("the disk answered with an error: {error}; mend it, then open the store again"),
        ),
    }
}

/// Whether a file does not hold what sled wrote, as far as sled can tell.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        || error.to_string().contains("orrupt")
}

fn is_locked(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.to_string().contains("could not acquire lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_by_kind() {
        for (io, kind) in [
            (io::ErrorKind::PermissionDenied, ErrorKind::Unauthorized),
            (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::Unauthorized),
            (io::ErrorKind::StorageFull, ErrorKind::Unavailable),
            (io::ErrorKind::NotADirectory, ErrorKind::NotProvisioned),
            (io::ErrorKind::Other, ErrorKind::Unavailable),
        ] {
            assert_eq!(trouble(&io.into()).0, kind, "{io:?}");
        }
    }
}
