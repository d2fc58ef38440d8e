//! The whole conformance suite on the emulator, each store a collection of its own.

#[path = "support/harness.rs"]
mod harness;

use larder_conformance::run;

use harness::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidane() {
    run(&Server).await;
}
