//! Opens the store of its binding, says so or why not, and holds it open until its input closes.

use std::process::ExitCode;
use std::time::Instant;

use integration_tests::STORE;
use integration_tests::program::wait_for_the_end;
use integration_tests::report::{Failure, say};
use larder::{Context, Kv, Result};

#[tokio::main]
async fn main() -> ExitCode {
    let started = Instant::now();
    match open().await {
        Ok(_store) => {
            say("open");
            wait_for_the_end();
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(Failure::new("open", &error, started.elapsed()));
            ExitCode::FAILURE
        }
    }
}

/// Opens the store, reads from it, and writes nothing of its own.
async fn open() -> Result<Kv> {
    let store = Context::from_env().bindings().load_kv(STORE).await?;
    store.check().await?;
    Ok(store)
}
