//! All clouds in one process: one service, one binding on each, and every conformance suite at once.

#[path = "../../crates/larder-dynamodb/tests/support/harness.rs"]
mod dynamodb_harness;
#[path = "../../crates/larder-firestore/tests/support/harness.rs"]
mod firestore_harness;
#[path = "../../crates/larder-sled/tests/support/harness.rs"]
mod sled_harness;
#[path = "../../crates/larder-tables/tests/support/harness.rs"]
mod tables_harness;

use std::process::Command;

use futures_util::future::join_all;
use integration_tests::program::Program;
use integration_tests::{dynamodb, firestore, tables};
use larder::{Bindings, Context, PutOptions};
use larder_conformance::{emulator, run};
use larder_sled::Durability;
use larder_tables::testing::{EMULATOR_ACCOUNT, EMULATOR_KEY};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Bindings of one service on all of them.
async fn bindings(dir: &TempDir) -> Bindings {
    let dynamodb = dynamodb::Table::create().await;
    let firestore = firestore::Collection::create().await;
    let tables = tables::Table::create().await;
    Bindings::from_map([
        ("local", json!({ "service": "local-kv", "dataDir": dir.path() }).to_string()),
        (
            "aws",
            json!({
                "service": "dynamodb", "tableName": dynamodb.name(), "region": "eu-central-1",
                "endpointUrl": emulator("dynoxide"), "accessKeyId": "test", "secretAccessKey": "test",
            })
            .to_string(),
        ),
        (
            "gcp",
            json!({
                "service": "firestore", "projectId": firestore::PROJECT, "databaseId": firestore.name(),
                "collectionName": firestore.name(), "endpointUrl": emulator("hidane"),
            })
            .to_string(),
        ),
        (
            "azure",
            json!({
                "service": "tablestorage", "accountName": EMULATOR_ACCOUNT, "tableName": tables.name(),
                "endpointUrl": emulator("azurite"), "accountKey": EMULATOR_KEY,
            })
            .to_string(),
        ),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_service_uses_all_of_them_at_once() {
    let dir = TempDir::new().expect("a directory");
    let ctx = Context::new(bindings(&dir).await);
    let work = ["local", "aws", "gcp", "azure"].map(|id| {
        let ctx = ctx.clone();
        async move {
            let kv = ctx.bindings().load_kv(id).await.expect(id);
            let entries = (0..100).map(|number| (format!("user:{number:03}"), format!("{id} {number}")));
            for stored in kv.put_many(entries, None).await.expect(id) {
                stored.expect(id);
            }
            let lock = PutOptions::new().if_not_exists();
            assert!(kv.put("lock", id, lock.clone()).await.expect(id).is_stored());
            assert!(!kv.put("lock", "another", lock).await.expect(id).is_stored());
            assert_eq!(kv.increment("visits", 3, None).await.expect(id), 3);
            let page = kv.scan_collect("user:", 1_000).await.expect(id).into_entries().expect(id);
            assert_eq!(page.len(), 100);
            assert!(
                page.iter().all(|entry| entry.value().starts_with(id.as_bytes())),
                "{id}: another store's"
            );
        }
    });
    join_all(work).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_suite_runs_beside_the_others() {
    let sled = sled_harness::SledHarness { name: "sled", durability: Durability::Flush };
    let dynamodb = dynamodb_harness::Server { name: "dynoxide", shards: 4 };
    let tables = tables_harness::Server { name: "azurite", shards: 4 };
    tokio::join!(run(&sled), run(&dynamodb), run(&firestore_harness::Server), run(&tables));
}

/// A process that makes an https client of each cloud, in this order, and has each begin a handshake.
async fn https_clients(order: &[&str]) -> Vec<String> {
    // Somebody who hangs up: what is looked for is a client that cannot even begin.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_https-clients"));
    command.arg(url).args(order);
    let ended = tokio::task::spawn_blocking(move || Program::start(&mut command).end()).await;
    server.abort();
    let (status, lines) = ended.expect("no panic");
    assert!(status.success(), "{order:?}: {lines:?}");
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn https_clients_of_all_three_are_made_in_each_order() {
    let clouds = ["aws", "gcp", "azure"];
    let mut orders: Vec<Vec<&str>> = clouds.iter().map(|cloud| vec![*cloud]).collect();
    for first in 0..3 {
        for second in (0..3).filter(|second| *second != first) {
            orders.push(vec![clouds[first], clouds[second], clouds[3 - first - second]]);
        }
    }
    for order in orders {
        let lines = https_clients(&order).await;
        // Each has tried, and says why it could not.
        let expected: Vec<_> = order.iter().map(|cloud| format!("{cloud} unavailable")).collect();
        assert_eq!(lines, expected);
    }
}
