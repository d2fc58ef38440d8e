//! The whole conformance suite on stores in directories of their own.

#[path = "support/harness.rs"]
mod harness;

use larder_conformance::run;
use larder_sled::Durability;

use harness::SledHarness;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn durable() {
    run(&SledHarness { name: "sled", durability: Durability::Flush }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relaxed() {
    run(&SledHarness { name: "sled/interval", durability: Durability::Interval }).await;
}
