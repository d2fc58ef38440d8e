//! Fills the store of its binding until the disk refuses, goes on for a while, and tells what it was told.
//!
//! It prints `stored <key>` for every value that was acknowledged, and every failure.

use std::time::Instant;

use integration_tests::STORE;
use integration_tests::report::{Failure, say};
use integration_tests::workload::bytes;
use larder::{Context, Kv, MAX_VALUE_BYTES, PutOptions, Result};
use tokio::task::JoinSet;

const TASKS: u64 = 8;
/// How often a task tries again after its first failure.
const AFTER_FAILURE: u32 = 3;

#[tokio::main]
async fn main() -> Result<()> {
    let store = Context::from_env().bindings().load_kv(STORE).await?;
    store.put("first", "stored before the disk is full", PutOptions::new()).await?;
    say("stored first");
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        tasks.spawn(fill(store.clone(), task));
    }
    tasks.join_all().await;
    read(&store).await;
    Ok(())
}

/// Stores one value after the other until it has been refused often enough.
async fn fill(store: Kv, task: u64) {
    let mut failures = 0;
    for at in 0.. {
        let key = format!("{task}:{at}");
        let value = bytes(task << 32 | at, MAX_VALUE_BYTES);
        let started = Instant::now();
        match store.put(&key, value, PutOptions::new()).await {
            Ok(_) => say(format_args!("stored {key}")),
            Err(error) => {
                say(Failure::new(&key, &error, started.elapsed()));
                failures += 1;
                if failures > AFTER_FAILURE {
                    return;
                }
            }
        }
    }
}

/// Reads in every way, and tells what fails.
async fn read(store: &Kv) {
    let started = Instant::now();
    let results = [
        ("get", store.get("first").await.map(drop)),
        ("get absent", store.get("absent").await.map(drop)),
        ("exists", store.exists("first").await.map(drop)),
        (
            "get_many",
            store.get_many(["first"]).await.and_then(|all| all.into_iter().try_for_each(|one| one.map(drop))),
        ),
        ("scan", store.scan_collect("", 10).await.map(drop)),
        ("increment", store.increment("counter", 1, None).await.map(drop)),
        ("delete", store.delete("first").await),
        ("sweep", store.sweep().await.map(drop)),
        ("check", store.check().await.map(drop)),
    ];
    for (what, result) in results {
        match result {
            Ok(()) => say(format_args!("answered {what}")),
            Err(error) => say(Failure::new(what, &error, started.elapsed())),
        }
    }
}
