//! What was acknowledged survives `kill -9` (P5).

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use integration_tests::model::{Model, Round, contents, is_a_moment_of};
use integration_tests::program::Program;
use integration_tests::workload::TTL;
use integration_tests::{STORE, bindings};
use larder::{Clock, Kv, ManualClock, PutOptions, SweepOutcome, SystemClock};
use serde_json::json;
use tempfile::tempdir;

const TASKS: u64 = 8;

fn writer(dir: &Path, round: u64, durability: &str) -> Program {
    let binding = bindings::local(dir, json!({ "durability": durability }));
    let mut command = Command::new(env!("CARGO_BIN_EXE_crash-writer"));
    Program::start(
        command.args([round, TASKS].map(|number| number.to_string())).env(bindings::VARIABLE, binding),
    )
}

/// Takes in as many acknowledged writes, or all until the program ends.
#[track_caller]
fn take(program: &Program, model: &mut Model, round: &mut Round, writes: usize) {
    assert_eq!(program.line().as_deref(), Some("ready"));
    for _ in 0..writes {
        let line = program.line().expect("it writes until it is killed");
        model.acknowledge(round, &line);
    }
}

async fn open(dir: &Path) -> Kv {
    bindings::on(dir).load_kv(STORE).await.expect("it opens again")
}

/// Removes what has a lifetime, when it is over, and what has none stays.
async fn sweep(dir: &Path, model: &mut Model) {
    let clock = ManualClock::new(SystemClock.now().plus(2 * TTL));
    let store = bindings::on(dir).with_clock(Arc::new(clock)).load_kv(STORE).await.expect("it opens again");
    let swept = store.sweep().await.expect("it sweeps");
    assert_eq!(swept, SweepOutcome::Swept { removed: model.mortal() });
    model.expire();
    model.verify_unchanged(&store).await;
    let again = store.sweep().await.expect("it sweeps");
    assert_eq!(again, SweepOutcome::Swept { removed: 0 });
}

/// What a directory shows of an opening that is under way; the empty name is nothing yet.
const STAGES: [&str; 6] = ["", "blobs", "conf", "db", ".generating", "snap."];

/// Has a program open the store, and kills it when a file comes up whose name begins or ends so, or else once it is open.
fn kill_at(dir: &Path, stage: &str) {
    let before = names(dir);
    let mut command = Command::new(env!("CARGO_BIN_EXE_store-holder"));
    let program = Program::start(command.env(bindings::VARIABLE, bindings::local(dir, json!({}))));
    while !stage.is_empty() && program.line_if_any().is_none() {
        let came = |name: &String| name.starts_with(stage) || name.ends_with(stage);
        if names(dir).difference(&before).any(came) {
            break;
        }
        std::thread::yield_now();
    }
    program.kill();
}

fn names(dir: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(dir).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
async fn acknowledged_writes_survive_the_kill() {
    let dir = tempdir().expect("a directory");
    let mut model = Model::new(TASKS);
    for (number, writes) in (1..).zip([1, 30, 0, 250, 7, 600, 60, 1_500]) {
        let mut round = model.round(number);
        let program = writer(dir.path(), number, "flush");
        take(&program, &mut model, &mut round, writes);
        for line in program.kill() {
            model.acknowledge(&mut round, &line);
        }
        model.verify(&open(dir.path()).await, &round, true).await;
        if number % 2 == 0 {
            sweep(dir.path(), &mut model).await;
        }
    }
}

#[tokio::test]
async fn a_kill_while_the_store_is_being_made_leaves_a_usable_directory() {
    for stage in STAGES {
        let dir = tempdir().expect("a directory");
        kill_at(dir.path(), stage);
        let store = open(dir.path()).await;
        assert!(contents(&store).await.is_empty(), "{stage}");
        store.put("k", "v", PutOptions::new()).await.expect("a put");
    }
}

#[tokio::test]
async fn a_kill_while_the_store_is_being_opened_loses_nothing() {
    let dir = tempdir().expect("a directory");
    let mut model = Model::new(TASKS);
    let mut round = model.round(1);
    let program = writer(dir.path(), 1, "flush");
    take(&program, &mut model, &mut round, 300);
    for line in program.kill() {
        model.acknowledge(&mut round, &line);
    }
    model.verify(&open(dir.path()).await, &round, true).await;
    for stage in STAGES {
        kill_at(dir.path(), stage);
        model.verify_unchanged(&open(dir.path()).await).await;
        // What the next opening has to read again.
        let store = open(dir.path()).await;
        store.put("counter:other", "0", PutOptions::new()).await.expect("a put");
        store.delete("counter:other").await.expect("a delete");
    }
}

#[tokio::test]
async fn a_graceful_end_loses_nothing_in_the_relaxed_mode_either() {
    let dir = tempdir().expect("a directory");
    let mut model = Model::new(TASKS);
    for (number, durability) in (1..).zip(["interval", "flush", "interval"]) {
        let mut round = model.round(number);
        let program = writer(dir.path(), number, durability);
        take(&program, &mut model, &mut round, 200);
        let (status, lines) = program.end();
        assert!(status.success(), "{status}");
        for line in lines {
            model.acknowledge(&mut round, &line);
        }
        model.verify(&open(dir.path()).await, &round, false).await;
        sweep(dir.path(), &mut model).await;
    }
}

#[tokio::test]
async fn the_relaxed_mode_loses_only_the_last_writes() {
    for writes in [10, 400, 2_000] {
        let dir = tempdir().expect("a directory");
        let mut model = Model::new(TASKS);
        let mut round = model.round(1);
        let program = writer(dir.path(), 1, "interval");
        take(&program, &mut model, &mut round, writes);
        for line in program.kill() {
            model.acknowledge(&mut round, &line);
        }
        let found = contents(&open(dir.path()).await).await;
        for (task, steps) in (0..).zip(round.steps()) {
            assert!(is_a_moment_of(&found, 1, task, steps + 1), "task {task} after {steps} steps");
        }
    }
}
