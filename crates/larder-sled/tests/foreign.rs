//! Somebody else's sled stores: refused, and left as they are.

use std::path::Path;
use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind, Kv, PutOptions};
use larder_sled::{SledDriver, SledOptions};
use tempfile::tempdir;

/// The segment size of Larder's own stores.
const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

fn foreign(dir: &Path, segment_bytes: usize) -> sled::Db {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match sled::Config::default().path(dir).segment_size(segment_bytes).open() {
            Ok(db) => return db,
            // Whoever had it open before gives it up a moment later.
            Err(sled::Error::Io(_)) if Instant::now() < until => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

async fn refusal(dir: &Path, kind: ErrorKind) -> Error {
    let error = SledDriver::open(dir, SledOptions::new()).await.expect_err("it is not Larder's");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(!error.is_retryable());
    assert!(error.message().contains(&*dir.to_string_lossy()), "{error}");
    error
}

#[tokio::test]
async fn a_store_with_other_settings() {
    let dir = tempdir().expect("a directory");
    foreign(dir.path(), 512 * 1024).insert("k", "v").expect("a write");
    refusal(dir.path(), ErrorKind::Unsupported).await;
    assert_eq!(foreign(dir.path(), 512 * 1024).get("k").expect("a read").as_deref(), Some(&b"v"[..]));
}

#[tokio::test]
async fn a_store_with_other_trees() {
    for tree in ["__sled__default", "users"] {
        let dir = tempdir().expect("a directory");
        let db = foreign(dir.path(), SEGMENT_BYTES);
        db.open_tree(tree).expect("a tree").insert("k", "v").expect("a write");
        let before = db.tree_names();
        drop(db);
        let error = refusal(dir.path(), ErrorKind::NotProvisioned).await;
        assert!(error.message().contains("name an empty directory"), "{error}");
        let db = foreign(dir.path(), SEGMENT_BYTES);
        assert_eq!(db.tree_names(), before, "nothing was added to it");
        let value = db.open_tree(tree).expect("a tree").get("k").expect("a read");
        assert_eq!(value.as_deref(), Some(&b"v"[..]));
    }
}

/// A store of Larder's own with an entry, which was opened again so that sled has written a snapshot.
async fn own(dir: &Path) {
    let kv = Kv::new(SledDriver::open(dir, SledOptions::new()).await.expect("it opens"));
    kv.put("k", "v", PutOptions::new()).await.expect("a put");
    drop(kv);
    assert_is_whole(dir).await;
    let has_snapshot = std::fs::read_dir(dir)
        .expect("a directory")
        .any(|entry| entry.expect("an entry").file_name().to_string_lossy().starts_with("snap."));
    assert!(has_snapshot, "sled has written one");
}

async fn assert_is_whole(dir: &Path) {
    let kv = Kv::new(SledDriver::open(dir, SledOptions::new()).await.expect("it opens"));
    assert_eq!(kv.get("k").await.expect("a read").as_deref(), Some(&b"v"[..]));
}

#[tokio::test]
async fn other_files_in_the_directory_are_no_damage() {
    let dir = tempdir().expect("a directory");
    own(dir.path()).await;
    std::fs::create_dir_all(dir.path().join("blobs")).expect("a directory");
    let names = [
        "notes.txt",
        ".db.swp",
        "db~",
        "conf.bak",
        "#conf#",
        "snapshot.txt",
        "snap",
        "blobs/notes.txt",
        "blobs/1~",
    ];
    for name in names {
        std::fs::write(dir.path().join(name), name).expect("a file");
    }
    for _ in 0..2 {
        assert_is_whole(dir.path()).await;
    }
    for name in names {
        assert_eq!(std::fs::read_to_string(dir.path().join(name)).expect("it is there still"), name);
    }
}

#[tokio::test]
async fn a_file_that_sled_would_take_for_its_own_is_named_and_is_no_damage() {
    let dir = tempdir().expect("a directory");
    own(dir.path()).await;
    for name in
        ["snap.txt", "snap.0000000000EE0D58~", "snap.FFFFFFFFFFFFFFFF.bak", "snap.0.swp", "snap.x.generating"]
    {
        let file = dir.path().join(name);
        std::fs::write(&file, name).expect("a file");
        let error = refusal(dir.path(), ErrorKind::NotProvisioned).await;
        assert!(error.message().contains(&format!("{name:?}: move it to another directory")), "{error}");
        assert_eq!(std::fs::read_to_string(&file).expect("it is there still"), name);
        // What is in the way of opening is none of reading what can be read.
        let into = tempdir().expect("a directory");
        let found = larder_sled::salvage(dir.path(), into.path()).await.expect("it is read");
        assert!(found.records >= 1, "{found:?}");
        assert_is_whole(into.path()).await;
        std::fs::remove_file(&file).expect("removed");
        assert_is_whole(dir.path()).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_name_that_is_no_text_is_told_and_stays() {
    use std::os::unix::ffi::OsStrExt;

    let dir = tempdir().expect("a directory");
    own(dir.path()).await;
    std::fs::create_dir_all(dir.path().join("blobs")).expect("a directory");
    for place in ["", "blobs"] {
        let name = std::ffi::OsStr::from_bytes(b"snap.\xFF");
        let file = dir.path().join(place).join(name);
        std::fs::write(&file, "x").expect("a file");
        let error = refusal(dir.path(), ErrorKind::NotProvisioned).await;
        assert!(error.message().contains("move it to another directory"), "{error}");
        std::fs::remove_file(&file).expect("it is there still");
        assert_is_whole(dir.path()).await;
    }
}
