//! Somebody else's sled stores: refused, and left as they are.

use std::path::Path;
use std::time::{Duration, Instant};

use larder_core::{Error, ErrorKind};
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
