//! The example that the README sends everybody to, as they run it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use integration_tests::{STORE, bindings};
use larder::{Clock, ManualClock, PutOptions, SystemClock};
use serde_json::{Value, json};
use tempfile::tempdir;

/// Builds it, and finds where cargo puts it.
fn quickstart() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "larder", "--example", "quickstart"])
        .args(["--message-format", "json"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("UTF-8");
    let mut messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).expect("a message"));
    let example = messages.find(|message| message["target"]["name"] == "quickstart").expect("it was built");
    example["executable"].as_str().expect("its place").into()
}

fn run(program: &Path, dir: &Path, binding: Option<&str>) -> Output {
    let mut command = Command::new(program);
    command.current_dir(dir).env_remove("LARDER_CACHE_BINDING");
    if let Some(binding) = binding {
        command.env("LARDER_CACHE_BINDING", binding);
    }
    command.output().expect("it runs")
}

#[track_caller]
fn assert_went_well(output: &Output, store: &Path) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout);
    for expected in [
        &*format!("store  sled at {}", store.display()),
        "put, get  user:123 is Alice",
        "expired  1 s later it is gone",
        "count  requests:login is at 3",
        "scan  user: has user:1, user:123, user:2, user:3",
        "refused  worker 2 does not get it",
        "conflict  stock is not at 10 any more",
        "done  everything above was checked",
    ] {
        assert!(printed.contains(expected), "{expected:?} in\n{printed}");
    }
}

#[tokio::test]
async fn the_quickstart_does_what_it_says_and_leaves_nothing_behind() {
    let program = quickstart();
    let place = tempdir().expect("a directory");
    let here = place.path().canonicalize().expect("its name");

    // As it is told nothing, it makes a store where it is run; the second time it finds that.
    for _ in 0..2 {
        assert_went_well(&run(&program, &here, None), &here.join(".larder"));
    }
    assert_eq!(std::fs::read_dir(&here).expect("a directory").count(), 1);

    // A store that is used for something else.
    let bound = here.join("bound");
    let store = bindings::on(&bound).load_kv(STORE).await.expect("it opens");
    store.put("user:123", "somebody's", PutOptions::new()).await.expect("a put");
    drop(store);
    assert_went_well(&run(&program, &here, Some(&bindings::local(&bound, json!({})))), &bound);
    // What it let expire by a clock of its own may be there for one more second by everybody else's.
    let clock = Arc::new(ManualClock::new(SystemClock.now().plus(Duration::from_secs(1))));
    let store = bindings::on(&bound).with_clock(clock).load_kv(STORE).await.expect("it opens");
    let left = store.scan_collect("", 100).await.expect("a scan").into_entries().expect("no corrupt record");
    let left: Vec<_> = left.iter().map(|entry| (entry.key(), &entry.value()[..])).collect();
    assert_eq!(left, [("user:123", &b"somebody's"[..])]);
}

#[test]
fn the_quickstart_fails_as_a_program_should() {
    let program = quickstart();
    let place = tempdir().expect("a directory");
    let output = run(&program, place.path(), Some(r#"{"service":"local-kv","dir":"x"}"#));
    assert!(!output.status.success());
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains("dataDir"), "it says what the binding lacks: {printed}");
    assert_eq!(std::fs::read_dir(place.path()).expect("a directory").count(), 0);
}
