//! Directories that cannot hold a store: each refusal names the directory and says what to do.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use integration_tests::program::Program;
use integration_tests::report::Failure;
use integration_tests::{STORE, bindings};
use larder::{ErrorKind, PutOptions};
use serde_json::json;
use tempfile::{TempDir, tempdir};

/// A place where a user without rights is, with the program that opens a store as that user.
struct Stranger {
    place: TempDir,
    program: PathBuf,
    /// Permissions do not bind the superuser, who therefore becomes somebody else.
    is_root: bool,
}

impl Stranger {
    fn new() -> Self {
        let place = tempdir().expect("a directory");
        let program = place.path().join("store-holder");
        fs::copy(env!("CARGO_BIN_EXE_store-holder"), &program).expect("a copy");
        allow(place.path(), 0o755);
        allow(&program, 0o755);
        let is_root = fs::metadata(place.path()).expect("its owner").uid() == 0;
        Self { place, program, is_root }
    }

    /// Tries to open a directory, and tells why it could not.
    #[track_caller]
    fn is_refused(&self, dir: &Path) -> Failure {
        let mut command = if self.is_root {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        let program =
            Program::start(command.env(bindings::VARIABLE, bindings::local(dir, json!({}))).current_dir("/"));
        let line = program.line().expect("it says why");
        assert!(!program.end().0.success());
        line.parse().unwrap_or_else(|()| panic!("{line}"))
    }

    #[track_caller]
    fn may_not_use(&self, dir: &Path) {
        let failure = self.is_refused(dir);
        assert_eq!(failure.kind, "unauthorized", "{failure:?}");
        assert!(!failure.retryable, "{failure:?}");
        for told in [&*dir.to_string_lossy(), "give it the right"] {
            assert!(failure.message.contains(told), "{failure:?}");
        }
    }
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("its owner may");
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

async fn refusal(dir: &Path) -> larder::Error {
    let error = bindings::on(dir).load_kv(STORE).await.expect_err("it is no place for a store");
    assert_eq!(error.kind(), ErrorKind::NotProvisioned, "{error}");
    assert!(!error.is_retryable(), "{error}");
    assert!(error.message().contains(&*dir.to_string_lossy()), "{error}");
    error
}

#[test]
fn a_directory_that_may_not_be_written_is_refused() {
    let stranger = Stranger::new();
    let dir = stranger.place.path().join("empty");
    fs::create_dir(&dir).expect("a directory");
    allow(&dir, 0o555);
    stranger.may_not_use(&dir);
    assert_eq!(names(&dir), Vec::<String>::new());

    stranger.may_not_use(&dir.join("missing"));
    allow(&dir, 0o755);
}

#[tokio::test]
async fn a_store_that_may_not_be_written_is_refused() {
    let stranger = Stranger::new();
    let dir = stranger.place.path().join("store");
    let store = bindings::on(&dir).load_kv(STORE).await.expect("it opens");
    store.put("k", "v", PutOptions::new()).await.expect("a put");
    drop(store);
    allow(&dir.join("db"), 0o444);
    allow(&dir, 0o555);
    stranger.may_not_use(&dir);

    // What it was refused for is all that changed.
    allow(&dir, 0o755);
    allow(&dir.join("db"), 0o644);
    let store = bindings::on(&dir).load_kv(STORE).await.expect("its owner opens it");
    assert!(store.exists("k").await.expect("a read"));
}

#[test]
fn a_directory_that_may_not_be_read_is_refused() {
    let stranger = Stranger::new();
    let dir = stranger.place.path().join("secret");
    fs::create_dir(&dir).expect("a directory");
    fs::write(dir.join("db"), "").expect("a file");
    // The superuser's own, or nobody's.
    allow(&dir, if stranger.is_root { 0o700 } else { 0o000 });
    stranger.may_not_use(&dir);
    allow(&dir, 0o755);
}

#[tokio::test]
async fn what_is_no_directory_is_refused() {
    let place = tempdir().expect("a directory");
    let file = place.path().join("file");
    fs::write(&file, "somebody's").expect("a file");
    let link = place.path().join("link");
    std::os::unix::fs::symlink(place.path().join("nothing"), &link).expect("a link");
    for path in [&file, &file.join("under"), &link] {
        let error = refusal(path).await;
        assert!(error.message().contains("no directory"), "{error}");
    }
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "somebody's");
    assert_eq!(names(place.path()), ["file", "link"]);
}

#[tokio::test]
async fn somebody_elses_files_are_left_alone() {
    for name in ["notes.txt", "config.toml", "confidential", "db", "snapshots", "blobs.tar", "data.sqlite"] {
        let dir = tempdir().expect("a directory");
        fs::write(dir.path().join(name), "somebody's").expect("a file");
        fs::write(dir.path().join(".hidden"), "").expect("a file");
        let error = refusal(dir.path()).await;
        for told in [name, "name an empty directory"] {
            assert!(error.message().contains(told), "{error}");
        }
        let mut expected = [".hidden", name];
        expected.sort_unstable();
        assert_eq!(names(dir.path()), expected);
        assert_eq!(fs::read_to_string(dir.path().join(name)).expect("it is there"), "somebody's");
    }
}

#[tokio::test]
async fn a_fresh_volume_will_do() {
    let dir = tempdir().expect("a directory");
    fs::create_dir(dir.path().join("lost+found")).expect("a directory");
    fs::write(dir.path().join(".nobackup"), "").expect("a file");
    for _ in 0..2 {
        let store = bindings::on(dir.path()).load_kv(STORE).await.expect("it opens");
        store.put("k", "v", PutOptions::new()).await.expect("a put");
    }
    assert!(names(dir.path()).contains(&"lost+found".to_owned()));
}

#[tokio::test]
async fn a_store_that_was_moved_away_is_not_taken_for_the_new_one() {
    let place = tempdir().expect("a directory");
    let (dir, away) = (place.path().join("store"), place.path().join("away"));
    let old = bindings::on(&dir).load_kv(STORE).await.expect("it opens");
    old.put("k", "old", PutOptions::new()).await.expect("a put");
    fs::rename(&dir, &away).expect("a new name");
    let error = refusal(&dir).await;
    assert!(error.message().contains("drop all handles"), "{error}");
    assert_eq!(old.get_text("k").await.expect("its handle stays").as_deref(), Some("old"));
    drop(old);

    let new = bindings::on(&dir).load_kv(STORE).await.expect("a new one opens");
    assert!(!new.exists("k").await.expect("a read"));
    let old = bindings::on(&away).load_kv(STORE).await.expect("the old one opens by its new name");
    assert!(old.exists("k").await.expect("a read"));
}

#[tokio::test]
async fn a_directory_is_made_with_those_above_it() {
    let place = tempdir().expect("a directory");
    let dir = place.path().join("not/there/yet");
    let store = bindings::on(&dir).load_kv(STORE).await.expect("it opens");
    store.put("k", "v", PutOptions::new()).await.expect("a put");
    assert!(dir.join("db").exists());
}
