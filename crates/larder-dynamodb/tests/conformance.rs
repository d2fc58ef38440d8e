//! The whole conformance suite on two independent emulators, each store a table of its own.

#[path = "support/harness.rs"]
mod harness;

use larder_conformance::run;

use harness::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dynoxide() {
    run(&Server { name: "dynoxide", shards: 16 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dynoxide_one_shard() {
    run(&Server { name: "dynoxide", shards: 1 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ministack() {
    run(&Server { name: "ministack", shards: 16 }).await;
}
