//! The whole contract over HTTP, on stores behind a gateway.

mod support;

use larder_conformance::run;

use support::harness::{Behind, Remote};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_shard() {
    let behind = Behind::Memory { shards: 1 };
    run(&Remote { name: "gateway over memory/1", behind }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_shards() {
    let behind = Behind::Memory { shards: 4 };
    run(&Remote { name: "gateway over memory/4", behind }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_store() {
    run(&Remote { name: "gateway over sled", behind: Behind::Sled }).await;
}
