//! One directory, one process: who else comes is refused, and told what to do.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use integration_tests::program::Program;
use integration_tests::{STORE, bindings};
use larder::{Bindings, Error, ErrorKind, PutOptions};
use serde_json::json;
use tempfile::tempdir;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

fn holder(dir: &Path) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_store-holder"));
    Program::start(command.env(bindings::VARIABLE, bindings::local(dir, json!({}))))
}

/// Two bindings on one directory, in the namespaces `one` and `two`.
fn pair(dir: &Path, more: serde_json::Value) -> Bindings {
    Bindings::from_map([
        ("one", bindings::local(dir, json!({ "keyPrefix": "one" }))),
        ("two", bindings::local(dir, more)),
    ])
}

#[track_caller]
fn assert_in_use(error: &Error, dir: &Path) {
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    let message = error.message();
    for told in [&*dir.to_string_lossy(), "in use by another process", "stop that process"] {
        assert!(message.contains(told), "{message}");
    }
}

#[tokio::test]
async fn a_directory_that_another_process_has_open_is_refused_until_that_has_ended() {
    let dir = tempdir().expect("a directory");
    let other = holder(dir.path());
    assert_eq!(other.line().as_deref(), Some("open"));

    for _ in 0..2 {
        let error = bindings::on(dir.path()).load_kv(STORE).await.expect_err("it is in use");
        assert_in_use(&error, dir.path());
        assert_eq!(error.binding(), Some(STORE));
    }

    let (status, _) = other.end();
    assert!(status.success());
    let store = bindings::on(dir.path()).load_kv(STORE).await.expect("it is free");
    store.check().await.expect("it can be used");
}

#[tokio::test]
async fn a_directory_that_this_process_has_open_is_refused_to_others() {
    let dir = tempdir().expect("a directory");
    let store = bindings::on(dir.path()).load_kv(STORE).await.expect("it opens");

    let other = holder(dir.path());
    let refusal = other.line().expect("it says why");
    assert!(refusal.contains("unavailable") && refusal.contains("in use by another process"), "{refusal}");
    assert!(!other.end().0.success());

    store.put("k", "v", PutOptions::new()).await.expect("it is still ours");
    drop(store);
    let other = holder(dir.path());
    assert_eq!(other.line().as_deref(), Some("open"), "it was given up with the last handle");
}

#[tokio::test]
async fn a_killed_process_holds_nothing() {
    let dir = tempdir().expect("a directory");
    for _ in 0..5 {
        let other = holder(dir.path());
        assert_eq!(other.line().as_deref(), Some("open"));
        other.kill();
        let store = bindings::on(dir.path()).load_kv(STORE).await.expect("it is free at once");
        store.check().await.expect("it can be used");
    }
}

#[tokio::test]
async fn bindings_of_one_directory_share_the_store_and_not_the_keys() {
    let dir = tempdir().expect("a directory");
    let bindings = pair(dir.path(), json!({ "keyPrefix": "two" }));
    let one = bindings.load_kv("one").await.expect("it opens");
    let two = bindings.load_kv("two").await.expect("it is shared");
    one.put("k", "of one", PutOptions::new()).await.expect("a put");
    two.put("k", "of two", PutOptions::new()).await.expect("a put");
    two.put("other", "", PutOptions::new()).await.expect("a put");

    assert_eq!(one.get_text("k").await.expect("a read").as_deref(), Some("of one"));
    assert_eq!(two.get_text("k").await.expect("a read").as_deref(), Some("of two"));
    assert!(!one.exists("other").await.expect("a read"));
    for (store, expected) in [(&one, &["k"][..]), (&two, &["k", "other"])] {
        let found = store.scan_keys_collect("", 10).await.expect("a scan").into_entries().expect("no damage");
        assert_eq!(found.iter().map(|info| info.key()).collect::<Vec<_>>(), expected);
    }

    // Either handle keeps the store open.
    drop((bindings, one));
    two.delete("k").await.expect("a delete");
    let whole = bindings::on(dir.path()).load_kv(STORE).await.expect("it is shared");
    assert!(whole.exists("one:k").await.expect("a read"));
    assert!(!whole.exists("two:k").await.expect("a read"));
}

#[tokio::test]
async fn one_directory_has_one_durability() {
    let dir = tempdir().expect("a directory");
    let bindings = pair(dir.path(), json!({ "keyPrefix": "two", "durability": "interval" }));
    let one = bindings.load_kv("one").await.expect("it opens");
    let error = bindings.load_kv("two").await.expect_err("two durabilities");
    assert_eq!(error.kind(), ErrorKind::NotConfigured, "{error}");
    assert!(error.message().contains(&*dir.path().to_string_lossy()), "{error}");
    assert!(error.message().contains("durability"), "{error}");
    drop(one);
    drop(bindings);
    // Closed, it can be opened either way.
    let bindings = pair(dir.path(), json!({ "keyPrefix": "two", "durability": "interval" }));
    bindings.load_kv("two").await.expect("it opens");
}

#[tokio::test]
async fn other_names_of_a_directory_are_the_same_store() {
    let dir = tempdir().expect("a directory");
    let store = dir.path().join("store");
    let link = dir.path().join("link");
    std::fs::create_dir(&store).expect("a directory");
    std::os::unix::fs::symlink(&store, &link).expect("a link");
    let first = bindings::on(&store).load_kv(STORE).await.expect("it opens");
    first.put("k", "v", PutOptions::new()).await.expect("a put");
    for name in [link, dir.path().join("store/../store/.")] {
        let again = bindings::on(&name).load_kv(STORE).await.expect("it is shared");
        assert!(again.exists("k").await.expect("a read"), "{}", name.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_directory_opens_as_soon_as_it_is_closed() {
    let dir = tempdir().expect("a directory");
    for round in 0..100 {
        let store = bindings::on(dir.path()).load_kv(STORE).await.expect("no lock is left");
        let sum = store.increment("opened", 1, None).await.expect("a counter");
        assert_eq!(sum, round + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_and_close_at_once() {
    const CALLERS: usize = 8;
    const ROUNDS: i64 = 20;
    let dir = tempdir().expect("a directory");
    let together = Arc::new(Barrier::new(CALLERS));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (path, together) = (dir.path().to_owned(), Arc::clone(&together));
        callers.spawn(async move {
            for _ in 0..ROUNDS {
                together.wait().await;
                let store = bindings::on(&path).load_kv(STORE).await.expect("it opens or is shared");
                store.increment("opened", 1, None).await.expect("a counter");
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.expect("no caller fails");
    }
    let store = bindings::on(dir.path()).load_kv(STORE).await.expect("it opens");
    let sum = store.increment("opened", 0, None).await.expect("a counter");
    assert_eq!(sum, CALLERS as i64 * ROUNDS);
}
