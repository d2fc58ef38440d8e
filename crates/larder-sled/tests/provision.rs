//! Making and removing stores, in real directories.

use std::fs;
use std::path::Path;

use larder_core::provision::{Change, Goal, Provisioner, Step};
use larder_core::{ErrorKind, Kv, PutOptions};
use larder_sled::{SledDriver, SledOptions, SledProvisioner};
use tempfile::{TempDir, tempdir};

fn folder() -> TempDir {
    tempdir().expect("a directory")
}

fn on(dir: &Path) -> SledProvisioner {
    SledProvisioner::new(dir, SledOptions::new()).expect("a name")
}

async fn open(dir: &Path) -> Kv {
    Kv::new(SledDriver::open(dir, SledOptions::new()).await.expect("it opens"))
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_store_is_made_once_and_removed_once() {
    let folder = folder();
    let dir = folder.path().join("deep/cache-1");
    let provisioner = on(&dir);
    let plan = provisioner.plan(Goal::Present).await.expect("a plan");
    assert_eq!(plan.steps.len(), 3, "{plan}");
    assert!(plan.steps.iter().all(Step::is_change), "{plan}");
    assert!(!dir.exists(), "a plan makes nothing");

    assert_eq!(provisioner.apply().await.expect("made"), plan, "what was done is what was planned");
    let again = provisioner.apply().await.expect("there");
    assert!(!again.has_changes(), "{again}");
    assert!(again.to_string().contains("= layout record: version 1, 1 shard"), "{again}");
    open(&dir).await.put("key", "value", PutOptions::new()).await.expect("a put");
    assert!(!provisioner.apply().await.expect("there").has_changes());
    assert_eq!(open(&dir).await.get_text("key").await.expect("a get").as_deref(), Some("value"));

    let error = provisioner.destroy("cache").await.expect_err("another name");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(dir.exists());
    let removal = provisioner.plan(Goal::Absent).await.expect("a plan");
    assert!(removal.has_changes(), "{removal}");
    assert_eq!(provisioner.destroy("cache-1").await.expect("removed"), removal);
    assert!(!dir.exists() && folder.path().join("deep").exists());
    assert!(!provisioner.destroy("cache-1").await.expect("it is gone").has_changes());
}

#[tokio::test]
async fn nothing_but_the_store_is_removed() {
    let folder = folder();
    let dir = folder.path().join("cache-1");
    on(&dir).apply().await.expect("made");
    // A store that was opened again has a snapshot, too.
    open(&dir).await.put("key", "value", PutOptions::new()).await.expect("a put");
    for name in ["notes.txt", "db.bak", "conf.old", ".hidden"] {
        fs::write(dir.join(name), "mine").expect("a file");
    }
    on(&dir).destroy("cache-1").await.expect("removed");
    assert_eq!(names(&dir), [".hidden", "conf.old", "db.bak", "notes.txt"]);
}

#[tokio::test]
async fn a_removal_that_was_cut_off_is_ended_by_the_next() {
    let folder = folder();
    let dir = folder.path().join("cache-1");
    on(&dir).apply().await.expect("made");
    // As after a process that was killed before its last file.
    fs::remove_file(dir.join("db")).expect("the file");
    on(&dir).destroy("cache-1").await.expect("removed");
    assert!(!dir.exists());
}

#[tokio::test]
async fn a_store_in_use_is_seen_and_neither_changed_nor_removed() {
    let folder = folder();
    let dir = folder.path().join("cache-1");
    let kv = open(&dir).await;
    kv.put("key", "value", PutOptions::new()).await.expect("a put");
    // In this process.
    let error = on(&dir).destroy("cache-1").await.expect_err("it is open");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(kv.get_text("key").await.expect("a get").as_deref(), Some("value"));
    drop(kv);
    // In another one, as far as can be seen.
    let held = fs::File::open(dir.join("db")).expect("a store");
    held.lock().expect("it is given up");
    let plan = on(&dir).plan(Goal::Present).await.expect("a plan");
    assert!(!plan.has_changes(), "{plan}");
    assert!(matches!(&plan.steps[1].change, Change::Leave(why) if why.contains("in use")), "{plan}");
    assert_eq!(on(&dir).destroy("cache-1").await.expect_err("held").kind(), ErrorKind::Unavailable);
    drop(held);
    on(&dir).destroy("cache-1").await.expect("removed");
    assert!(!dir.exists());
}

#[tokio::test]
async fn somebody_elses_files_and_stores_are_left_alone() {
    let folder = folder();
    let dir = folder.path().join("mine");
    fs::create_dir(&dir).expect("a directory");
    fs::write(dir.join("conf"), "my own settings").expect("a file");
    assert!(!on(&dir).destroy("mine").await.expect("nothing there").has_changes());
    assert_eq!(names(&dir), ["conf"]);

    let other = folder.path().join("other");
    let settings = sled::Config::default().path(&other).segment_size(8 * 1024 * 1024);
    let db = settings.open().expect("a store");
    db.insert("key", "value").expect("a row");
    db.flush().expect("flushed");
    drop(db);
    for result in [on(&other).apply().await, on(&other).destroy("other").await] {
        let error = result.expect_err("not Larder's");
        assert_eq!(error.kind(), ErrorKind::NotProvisioned, "{error}");
        assert!(error.to_string().contains("did not make"), "{error}");
    }
    assert_eq!(settings.open().expect("a store").get("key").expect("a get").as_deref(), Some(&b"value"[..]));

    let file = folder.path().join("file");
    fs::write(&file, "mine").expect("a file");
    assert_eq!(on(&file).plan(Goal::Present).await.expect_err("a file").kind(), ErrorKind::NotProvisioned);
    assert!(SledProvisioner::new("/", SledOptions::new()).is_err());
}
