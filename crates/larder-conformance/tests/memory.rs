//! The suite on stores in memory, in every form that matters to the handle.

use larder_conformance::{MemoryHarness, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_shard() {
    run(&MemoryHarness::new(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_shards() {
    run(&MemoryHarness::new(4)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_shards() {
    run(&MemoryHarness::new(16)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes() {
    run(&MemoryHarness::new(4).shared()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_that_does_no_more_than_it_must() {
    run(&MemoryHarness::new(4).shared().plain()).await;
}
