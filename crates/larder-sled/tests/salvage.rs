//! Salvage: all of a whole store, and what is left of a damaged one.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use larder_core::{ErrorKind, Kv, PutOptions};
use larder_sled::{SledDriver, SledOptions, salvage};
use tempfile::TempDir;

type Content = BTreeMap<String, (Vec<u8>, Option<std::time::SystemTime>)>;

async fn open(dir: &Path) -> Kv {
    Kv::new(SledDriver::open(dir, SledOptions::new()).await.expect("it opens"))
}

/// A store of several segments, with entries that were replaced, deleted, and given lifetimes.
async fn filled(dir: &Path) -> Content {
    let kv = open(dir).await;
    let value = |number: u32, round: u32| {
        let mut value = vec![b'v'; 900 + (number % 200) as usize];
        value[..8].copy_from_slice(&(u64::from(number) << 8 | u64::from(round)).to_be_bytes());
        value
    };
    for round in 0..2 {
        let entries = (0..20_000_u32).filter(|number| number % (round + 1) == 0);
        let entries = entries.map(|number| (format!("key:{number:05}"), value(number, round)));
        for stored in kv.put_many(entries, None).await.expect("written") {
            stored.expect("written");
        }
    }
    for number in (0..20_000).step_by(10) {
        kv.delete(format!("key:{number:05}")).await.expect("deleted");
    }
    let hour = PutOptions::new().ttl(Duration::from_secs(3_600));
    for number in 0..50 {
        kv.put(format!("hour {number}"), "x", hour.clone()).await.expect("written");
    }
    kv.increment("counter", 7, None).await.expect("counted");
    content(&kv).await
}

async fn content(kv: &Kv) -> Content {
    let mut entries = kv.scan("");
    let mut content = BTreeMap::new();
    while let Some(entry) = entries.next().await {
        let entry = entry.expect("it can be read");
        content.insert(entry.key().to_owned(), (entry.value().to_vec(), entry.expires_at()));
    }
    content
}

async fn salvaged(from: &Path) -> Content {
    let into = TempDir::new().expect("a directory");
    let found = salvage(from, into.path()).await.expect("it is read");
    let kv = open(into.path()).await;
    let content = content(&kv).await;
    // The layout record comes with them.
    assert!(found.records > content.len(), "{found:?}");
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_whole_store_everything_is_found_and_nothing_else() {
    let dir = TempDir::new().expect("a directory");
    let before = filled(dir.path()).await;
    assert_eq!(before.len(), 18_000 + 50 + 1);
    let files = || fs::read(dir.path().join("db")).expect("there");
    let file = files();
    let found = salvaged(dir.path()).await;
    assert!(found == before, "{} of {}", found.len(), before.len());
    assert!(files() == file, "the store was not changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_damaged_store_most_is_found() {
    let dir = TempDir::new().expect("a directory");
    let before = filled(dir.path()).await;
    let path = dir.path().join("db");
    let length = fs::metadata(&path).expect("there").len();
    let mut file = OpenOptions::new().read(true).write(true).open(&path).expect("there");
    // A byte here and there, a segment's header, and the end cut off: sled opens no such store, or only its beginning.
    for at in [5_000_000, length / 3, 8 * 1024 * 1024 + 5] {
        file.seek(SeekFrom::Start(at)).expect("there");
        let mut byte = [0];
        file.read_exact(&mut byte).expect("there");
        file.seek(SeekFrom::Start(at)).expect("there");
        file.write_all(&[!byte[0]]).expect("written");
    }
    file.set_len(length - 300_000).expect("cut");
    drop(file);
    let found = salvaged(dir.path()).await;
    let sound = |found: &Content| before.iter().filter(|(key, value)| found.get(*key) == Some(value)).count();
    // Afterwards, since sled drops what it cannot read when it opens a store.
    let by_sled = match SledDriver::open(dir.path(), SledOptions::new()).await {
        Ok(driver) => content(&Kv::new(driver)).await,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            Content::new()
        }
    };
    let (ours, sleds) = (sound(&found), sound(&by_sled));
    assert!(ours > before.len() * 9 / 10 && ours >= sleds, "{ours}, sled {sleds}, of {}", before.len());
}

#[tokio::test]
async fn what_is_no_damaged_store_or_no_empty_place_is_refused() {
    let (dir, into) = (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
    let error = salvage(dir.path(), into.path()).await.expect_err("there is none");
    assert!(error.to_string().contains("db"), "{error}");
    let kv = open(dir.path()).await;
    kv.put("k", "v", PutOptions::new()).await.expect("written");
    let error = salvage(dir.path(), into.path()).await.expect_err("it is open");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    drop(kv);
    let other = open(into.path()).await;
    other.put("mine", "v", PutOptions::new()).await.expect("written");
    drop(other);
    let dir_again = TempDir::new().expect("a directory");
    filled_small(dir_again.path()).await;
    let error = salvage(dir_again.path(), into.path()).await.expect_err("it is not empty");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(open(into.path()).await.exists("mine").await.expect("it can be read"));
}

async fn filled_small(dir: &Path) {
    open(dir).await.put("k", "v", PutOptions::new()).await.expect("written");
}
