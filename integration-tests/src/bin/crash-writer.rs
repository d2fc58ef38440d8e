//! Writes to the store of its binding from several tasks at once, until it is killed or its input closes.
//!
//! `crash-writer <round> <tasks>` prints `ready`, then `<task> <number> <result>` for every write that was acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use integration_tests::STORE;
use integration_tests::program::wait_for_the_end;
use integration_tests::report::say;
use integration_tests::workload::{Step, step};
use larder::{Context, Kv, PutOptions, PutOutcome, Result};
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let (round, tasks) = (arguments.next().expect("the round"), arguments.next().expect("the tasks"));
    let store = Context::from_env().bindings().load_kv(STORE).await?;
    say("ready");

    let ended = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for task in 0..tasks {
        let (store, ended) = (store.clone(), Arc::clone(&ended));
        writers.spawn(async move { write(&store, round, task, &ended).await });
    }
    tokio::task::spawn_blocking(wait_for_the_end).await.expect("it waits");
    ended.store(true, Ordering::SeqCst);
    for written in writers.join_all().await {
        written?;
    }
    Ok(())
}

/// Takes one step after the other.
async fn write(store: &Kv, round: u64, task: u64, ended: &AtomicBool) -> Result<()> {
    for number in 0.. {
        if ended.load(Ordering::SeqCst) {
            return Ok(());
        }
        let result = match step(round, task, number) {
            Step::Put { key, value, ttl } => {
                let options = ttl.map_or(PutOptions::new(), |ttl| PutOptions::new().ttl(ttl));
                match store.put(key, value, options).await? {
                    PutOutcome::Stored(version) => version.to_string(),
                    PutOutcome::ConditionFailed(_) => unreachable!("there was no condition"),
                }
            }
            Step::Delete { key } => store.delete(key).await.map(|()| "deleted".to_owned())?,
            Step::Count { counter } => store.increment(counter, 1, None).await?.to_string(),
        };
        say(format_args!("{task} {number} {result}"));
    }
    Ok(())
}
