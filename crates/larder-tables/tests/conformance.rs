//! The whole conformance suite on Azurite, each store a table of its own.

#[path = "support/harness.rs"]
mod harness;

use larder_conformance::run;

use harness::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azurite() {
    run(&Server { name: "azurite", shards: 16 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azurite_one_shard() {
    run(&Server { name: "azurite", shards: 1 }).await;
}
