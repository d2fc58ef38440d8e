//! Stores whose files were damaged: opened as far as sled can vouch for them, or refused as what they are.

use std::fs;
use std::path::Path;
use std::time::Duration;

use integration_tests::model::contents;
use integration_tests::workload::bytes;
use integration_tests::{STORE, bindings};
use larder::{Error, ErrorKind, Kv, PutOptions};
use tempfile::{TempDir, tempdir};
use tokio::time::timeout;

const ENTRIES: u64 = 300;
const PATIENCE: Duration = Duration::from_secs(60);

/// A damage: what is done to a directory with a closed store.
type Damage = fn(&Path);

async fn open(dir: &Path) -> Result<Kv, Error> {
    timeout(PATIENCE, bindings::on(dir).load_kv(STORE)).await.expect("it does not hang")
}

fn value(at: u64) -> Vec<u8> {
    bytes(at, at as usize * 37 % 4_000)
}

/// A closed store with entries `000` and on, which were written in this order: some 600 KB, from the beginning of its file.
async fn closed_store() -> TempDir {
    let dir = tempdir().expect("a directory");
    let store = open(dir.path()).await.expect("it opens");
    for at in 0..ENTRIES {
        store.put(format!("{at:03}"), value(at), PutOptions::new()).await.expect("a put");
    }
    dir
}

/// The same, opened and closed once more, so that sled has noted what belongs to it.
async fn settled_store() -> TempDir {
    let dir = closed_store().await;
    open(dir.path()).await.expect("it opens");
    dir
}

fn copied(from: &Path) -> TempDir {
    let to = tempdir().expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        match entry.file_type().expect("its type").is_dir() {
            true => fs::create_dir(to.path().join(entry.file_name())).expect("a directory"),
            false => drop(fs::copy(entry.path(), to.path().join(entry.file_name())).expect("a copy")),
        }
    }
    to
}

/// Changes the bytes of a file.
fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut content = fs::read(file).expect("it is there");
    change(&mut content);
    fs::write(file, content).expect("it can be written");
}

fn snapshot(dir: &Path) -> std::path::PathBuf {
    let mut entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let is_snapshot = |path: &std::path::PathBuf| path.to_string_lossy().contains("/snap.");
    entries.find(is_snapshot).expect("a snapshot")
}

#[tokio::test]
async fn a_damaged_store_is_refused_and_named() {
    let damages: &[(&str, ErrorKind, Damage)] = &[
        ("half of the data is gone", ErrorKind::Corrupt, |dir| {
            edit(&dir.join("db"), |db| db.truncate(300_000));
        }),
        ("all of the data is gone", ErrorKind::Corrupt, |dir| edit(&dir.join("db"), Vec::clear)),
        ("the middle is garbage", ErrorKind::Corrupt, |dir| {
            edit(&dir.join("db"), |db| db[100_000..104_096].copy_from_slice(&bytes(1, 4_096)));
        }),
        ("the beginning is garbage", ErrorKind::Corrupt, |dir| {
            edit(&dir.join("db"), |db| db[..4_096].copy_from_slice(&bytes(2, 4_096)));
        }),
        ("the middle is empty", ErrorKind::Corrupt, |dir| {
            edit(&dir.join("db"), |db| db[100_000..200_000].fill(0));
        }),
        ("a bit has flipped", ErrorKind::Corrupt, |dir| edit(&dir.join("db"), |db| db[150_000] ^= 4)),
        ("the snapshot is garbage", ErrorKind::Corrupt, |dir| {
            edit(&snapshot(dir), |snapshot| *snapshot = bytes(3, snapshot.len()));
        }),
        ("the snapshot is cut short", ErrorKind::Corrupt, |dir| {
            edit(&snapshot(dir), |snapshot| snapshot.truncate(snapshot.len() / 2));
        }),
        ("the snapshot is empty", ErrorKind::Corrupt, |dir| edit(&snapshot(dir), Vec::clear)),
        ("the settings are garbage", ErrorKind::Unsupported, |dir| {
            edit(&dir.join("conf"), |conf| *conf = bytes(4, conf.len()));
        }),
        ("the settings are another text", ErrorKind::Corrupt, |dir| {
            edit(&dir.join("conf"), |conf| *conf = b"listen = 0.0.0.0\nport = 80\n".to_vec());
        }),
        ("the settings are others", ErrorKind::Unsupported, |dir| {
            edit(&dir.join("conf"), |conf| {
                let text =
                    String::from_utf8_lossy(conf).replace("segment_size: 8388608", "segment_size: 524288");
                *conf = text.into_bytes();
            });
        }),
    ];
    let original = settled_store().await;
    for (what, kind, damage) in damages {
        let dir = copied(original.path());
        damage(dir.path());
        // The second time as the first: a failed opening leaves nothing locked.
        for _ in 0..2 {
            let error = open(dir.path()).await.err().unwrap_or_else(|| panic!("{what}, and it opens"));
            assert_eq!(error.kind(), *kind, "{what}: {error}");
            assert!(!error.is_retryable(), "{what}: {error}");
            assert!(error.message().contains(&*dir.path().to_string_lossy()), "{what}: {error}");
            assert_eq!(error.binding(), Some(STORE));
        }
        // Restored from a copy, as the error says, it opens, in this very process.
        for entry in fs::read_dir(dir.path()).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                fs::remove_file(path).expect("it can be removed");
            }
        }
        for entry in fs::read_dir(original.path()).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                fs::copy(&path, dir.path().join(path.file_name().expect("a name"))).expect("a copy");
            }
        }
        let store = open(dir.path()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(contents(&store).await.len() as u64, ENTRIES, "{what}");
    }
}

#[tokio::test]
async fn a_torn_end_costs_the_last_writes_only() {
    let original = closed_store().await;
    let length = fs::metadata(original.path().join("db")).expect("its length").len() as usize;
    for torn in [1, 13, 100, 4_096, 50_000] {
        let dir = copied(original.path());
        edit(&dir.path().join("db"), |db| db.truncate(length - torn));
        let store = open(dir.path()).await.expect("it opens");
        let found = contents(&store).await;
        assert!(found.len() as u64 <= ENTRIES);
        for (at, (key, entry)) in (0..).zip(&found) {
            assert_eq!(*key, format!("{at:03}"), "{torn} bytes cost more than the last writes");
            assert!(*entry.value() == value(at), "{key}");
        }
        store.put("new", "v", PutOptions::new()).await.expect("it can be written");
        drop(store);
        let store = open(dir.path()).await.expect("it opens again");
        assert_eq!(contents(&store).await.len(), found.len() + 1);
    }
}

#[tokio::test]
async fn what_a_killed_opening_left_behind_is_cleared_away() {
    let original = settled_store().await;
    let dir = copied(original.path());
    for content in [&b""[..], b"cut short", &fs::read(snapshot(dir.path())).expect("a snapshot")] {
        let unfinished = dir.path().join("snap.00FFFFFFFFFFFFFF.generating");
        fs::write(&unfinished, content).expect("a file");
        let store = open(dir.path()).await.expect("it opens");
        assert_eq!(contents(&store).await.len() as u64, ENTRIES);
        assert!(!unfinished.exists());
    }
}
