//! A disk that is full, and what a store puts on it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use integration_tests::program::Program;
use integration_tests::report::Failure;
use integration_tests::workload::bytes;
use integration_tests::{STORE, bindings};
use larder::{MAX_VALUE_BYTES, PutOptions};
use serde_json::json;
use tempfile::tempdir;

/// Starts a program whose files cannot grow beyond so many blocks of 512 or 1,024 bytes, as the shell has it.
///
/// The signal is ignored, so that the program gets an error, as it does from a disk that is full.
fn on_a_small_disk(program: &str, blocks: u32, dir: &Path) -> Program {
    let limited = format!(r#"trap "" XFSZ; ulimit -f {blocks}; exec "$0""#);
    let mut command = Command::new("sh");
    Program::start(
        command.args(["-c", &limited, program]).env(bindings::VARIABLE, bindings::local(dir, json!({}))),
    )
}

/// A refusal that a retry does not help against, that came at once, and that says what does help.
#[track_caller]
fn assert_is_final(failure: &Failure) {
    assert_eq!(failure.kind, "unavailable", "{failure:?}");
    assert!(!failure.retryable, "{failure:?}");
    assert!(failure.took < Duration::from_secs(2), "{failure:?}");
    for told in ["no room left on the disk", "open the store again"] {
        assert!(failure.message.contains(told), "{failure:?}");
    }
}

#[tokio::test]
async fn a_full_disk_stops_the_store_and_loses_nothing() {
    // The second limit is a segment of sled's file, or two: there sled finds out in another place.
    for blocks in [20_000, 16_384, 50_001] {
        let dir = tempdir().expect("a directory");
        let filler = on_a_small_disk(env!("CARGO_BIN_EXE_disk-filler"), blocks, dir.path());
        let (stored, failed): (Vec<_>, Vec<_>) =
            filler.lines().into_iter().partition(|line| line.starts_with("stored "));
        let stored: Vec<_> = stored.iter().filter_map(|line| line.strip_prefix("stored ")).collect();
        let failed: Vec<Failure> =
            failed.iter().map(|line| line.parse().unwrap_or_else(|()| panic!("{line}"))).collect();
        assert!(filler.end().0.success());

        let in_doubt: Vec<_> = failed.iter().filter(|failure| failure.kind == "ambiguous").collect();
        assert!(!in_doubt.is_empty(), "the group that met the end of the disk is in doubt");
        let mut failures_of = BTreeMap::<&str, usize>::new();
        for failure in &failed {
            let task = failure.what.split_once(':').map_or("a read", |(task, _)| task);
            let earlier = failures_of.entry(task).or_default();
            *earlier += 1;
            if failure.kind == "ambiguous" {
                assert_eq!(*earlier, 1, "one write of each task was under way: {failure:?}");
                assert!(!failure.retryable, "{failure:?}");
                assert!(failure.took < Duration::from_secs(2), "{failure:?}");
            } else {
                assert_is_final(failure);
            }
        }
        let kinds =
            ["get", "get absent", "exists", "get_many", "scan", "increment", "delete", "sweep", "check"];
        for kind in kinds {
            assert!(failed.iter().any(|failure| failure.what == kind), "{kind} is refused as well");
        }

        // With room again, what was acknowledged is there, what was refused is not, and what was in doubt is whole or absent.
        let store = bindings::on(dir.path()).load_kv(STORE).await.expect("it opens");
        let value_of = |key: &str| {
            let (task, at) = key.split_once(':')?;
            let seed = task.parse::<u64>().expect("a task") << 32 | at.parse::<u64>().expect("a number");
            Some(bytes(seed, MAX_VALUE_BYTES))
        };
        let mut found = integration_tests::model::contents(&store).await;
        for key in stored {
            let entry = found.remove(key).unwrap_or_else(|| panic!("{key} is lost"));
            assert!(value_of(key).is_none_or(|value| entry.value() == &value), "{key}");
        }
        for (key, entry) in found {
            assert!(in_doubt.iter().any(|failure| failure.what == key), "{key} was refused");
            assert!(value_of(&key).is_some_and(|value| entry.value() == &value), "{key}");
        }
        store.put("later", "v", PutOptions::new()).await.expect("there is room");
    }
}

#[tokio::test]
async fn a_disk_without_any_room_is_told_at_once() {
    let dir = tempdir().expect("a directory");
    let holder = on_a_small_disk(env!("CARGO_BIN_EXE_store-holder"), 0, dir.path());
    let refusal = holder.line().expect("it says why");
    let failure: Failure = refusal.parse().unwrap_or_else(|()| panic!("{refusal}"));
    assert_eq!(failure.kind, "unavailable", "{failure:?}");
    assert!(failure.message.contains(&*dir.path().to_string_lossy()), "{failure:?}");
    assert!(failure.message.contains("no room left on the disk"), "{failure:?}");
    assert!(!holder.end().0.success());

    let store = bindings::on(dir.path()).load_kv(STORE).await.expect("with room it opens");
    store.put("k", "v", PutOptions::new()).await.expect("there is room");
}

#[tokio::test]
async fn the_longest_values_and_keys_stay_in_one_file() {
    const ENTRIES: u64 = 2_000;
    let dir = tempdir().expect("a directory");
    let blobs = || match fs::read_dir(dir.path().join("blobs")) {
        Ok(entries) => entries.map(|entry| entry.expect("an entry").file_name()).collect(),
        Err(_) => Vec::new(),
    };
    // 512 bytes, the number at their end.
    let key = |at: u64| format!("{at:0>512}");
    let lifetime = Duration::from_secs(3_600);
    for round in 0..2 {
        let store = bindings::on(dir.path()).load_kv(STORE).await.expect("it opens");
        // In an order that goes to and fro.
        let entries = (0..ENTRIES).map(|at| at * 1_237 % ENTRIES);
        let entries = entries.map(|at| (key(at), bytes(round << 32 | at, MAX_VALUE_BYTES)));
        for stored in store.put_many(entries, lifetime).await.expect("puts") {
            stored.expect("a put");
        }
        assert_eq!(blobs(), Vec::<std::ffi::OsString>::new());
    }
    let store = bindings::on(dir.path()).load_kv(STORE).await.expect("it opens");
    assert_eq!(blobs(), Vec::<std::ffi::OsString>::new());
    let scanned =
        store.scan_collect("", 10_000).await.expect("a scan").into_entries().expect("no corrupt record");
    assert_eq!(scanned.len() as u64, ENTRIES);
    for (at, entry) in (0..).zip(scanned) {
        assert_eq!(entry.key(), key(at));
        assert!(*entry.value() == bytes(1 << 32 | at, MAX_VALUE_BYTES), "{at}");
    }
}
