//! Taking a directory over from whoever had it before.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use larder_core::Result;

use crate::error::{cannot_use, in_use};
use crate::snapshots::Snapshot;

/// How long a directory may still be held by a store that was closed just now.
///
/// sled locks its file when it opens it, and fails at once if it cannot. It gives the lock up with the file, which may be a
/// moment after the store was closed: sled's own threads hold it too, and so does a child process until it has started
/// its program.
const PATIENCE: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Waits until nobody holds the directory, and clears away what a process left behind that was killed while it opened it.
/// Blocks.
pub(crate) fn take_over(dir: &Path) -> Result<()> {
    let file = match File::open(dir.join("db")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(cannot_use(dir, &error)),
    };
    let until = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(error)) => return Err(cannot_use(dir, &error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return Err(in_use(dir)),
            Err(TryLockError::WouldBlock) => thread::sleep(pause),
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    let removed = remove_unfinished_snapshots(dir);
    // Explicitly: a child process that is just being started has the file open as well.
    let unlocked = file.unlock();
    removed.and(unlocked).map_err(|error| cannot_use(dir, &error))
}

/// Removes snapshots that were not given their final name.
///
/// sled writes one under such a name when it opens a store, and would mistake it for the latest one. Cut short, it makes the
/// whole store unreadable.
fn remove_unfinished_snapshots(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if Snapshot::named(&entry.file_name()) == Some(Snapshot::Unfinished) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use larder_core::ErrorKind;
    use tempfile::tempdir;

    use super::*;
    use crate::options::SledOptions;
    use crate::registry;

    /// Something in the place of sled's file, and of whoever holds it.
    fn held(dir: &Path) -> File {
        let file = File::create(dir.join("db")).expect("a file");
        file.lock().expect("nobody else has it");
        file
    }

    #[test]
    fn a_directory_that_is_given_up_meanwhile_is_waited_for() {
        let dir = tempdir().expect("a directory");
        let file = held(dir.path());
        let (waits, is_waiting) = channel();
        let path = dir.path().to_owned();
        let waiting = thread::spawn(move || {
            waits.send(()).expect("the test waits");
            take_over(&path)
        });
        is_waiting.recv().expect("it waits");
        drop(file);
        waiting.join().expect("no panic").expect("it is free");
    }

    #[test]
    fn a_directory_that_is_not_given_up_is_refused() {
        let dir = tempdir().expect("a directory");
        let _file = held(dir.path());
        let started = Instant::now();
        let error = take_over(dir.path()).expect_err("it is in use");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains(&*dir.path().to_string_lossy()), "{error}");
        assert!(started.elapsed() >= PATIENCE);
    }

    #[test]
    fn whoever_opens_a_store_waits() {
        let dir = tempdir().expect("a directory");
        drop(registry::open(dir.path(), &SledOptions::new()).expect("it opens"));
        let file = File::open(dir.path().join("db")).expect("a store");
        // The store that was just closed may have it for a moment.
        file.lock().expect("it is given up");
        let started = Instant::now();
        let error = registry::open(dir.path(), &SledOptions::new()).expect_err("it is in use");
        assert!(error.message().contains("in use"), "{error}");
        assert!(started.elapsed() >= PATIENCE);
        drop(file);
        registry::open(dir.path(), &SledOptions::new()).expect("it is free");
    }

    #[test]
    fn only_unfinished_snapshots_are_removed_and_only_by_the_holder() {
        let dir = tempdir().expect("a directory");
        let unfinished = "snap.0000000000EE0D58.generating";
        let finished = ["snap.0000000000EE0D58", "conf", "notes.generating", "snap.notes.generating"];
        for name in finished.into_iter().chain([unfinished]) {
            fs::write(dir.path().join(name), "").expect("a file");
        }
        let file = held(dir.path());
        take_over(dir.path()).expect_err("it is in use");
        assert!(dir.path().join(unfinished).exists());
        drop(file);
        take_over(dir.path()).expect("it is free");
        assert!(!dir.path().join(unfinished).exists());
        assert!(finished.iter().all(|name| dir.path().join(name).exists()));
    }
}
