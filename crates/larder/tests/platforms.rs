//! A store of each platform that this build has, opened by its binding, on a real server.
//!
//! `cargo xtask test` runs this with each feature alone, so that no platform lives by what another one compiles in.

#![cfg(any(feature = "aws", feature = "azure", feature = "gateway", feature = "gcp", feature = "local"))]

use std::time::Duration;

use larder::{Bindings, Entry, PutOptions};
use serde_json::{Value, json};

/// A name that no other test has.
#[cfg(any(feature = "aws", feature = "azure", feature = "gcp"))]
fn name(platform: &str) -> String {
    format!("platforms{platform}{}", std::process::id())
}

/// Everything that takes a request of its own, once.
async fn assert_works(binding: Value) {
    let bindings = Bindings::from_map([("cache", binding.to_string())]);
    let kv = bindings.load_kv("cache").await.expect("a handle");
    kv.check().await.expect("a check");
    let lock = PutOptions::new().ttl(Duration::from_secs(3_600)).if_not_exists();
    assert!(kv.put("a", "1", lock.clone()).await.expect("a put").is_stored());
    assert!(!kv.put("a", "2", lock).await.expect("a put").is_stored());
    assert_eq!(kv.get_text("a").await.expect("a get").as_deref(), Some("1"));
    assert_eq!(kv.increment("a", 2, None).await.expect("an increment"), 3);
    for stored in kv.put_many([("b", "2"), ("c", "3")], None).await.expect("a batch") {
        stored.expect("a put");
    }
    let all = kv.scan_collect("", 10).await.expect("a scan").into_entries().expect("entries");
    assert_eq!(all.iter().map(Entry::key).collect::<Vec<_>>(), ["a", "b", "c"]);
    kv.delete("b").await.expect("a delete");
    assert!(!kv.exists("b").await.expect("a read"));
}

#[cfg(feature = "aws")]
#[tokio::test]
async fn a_table_of_dynamodb() {
    use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions, testing};

    let (name, url) = (name("aws"), larder_conformance::emulator("dynoxide"));
    let keys = Credentials::Keys { id: "test".into(), secret: "test".into(), session_token: None };
    let options = DynamoDbOptions::new(&name, "eu-central-1").endpoint_url(&url).credentials(keys);
    let driver = DynamoDbDriver::open(options).await.expect("the options are right");
    testing::create_table(&driver).await.expect("the table is made");
    assert_works(json!({
        "service": "dynamodb", "tableName": name, "region": "eu-central-1", "endpointUrl": url,
        "accessKeyId": "test", "secretAccessKey": "test",
    }))
    .await;
}

#[cfg(feature = "gcp")]
#[tokio::test]
async fn a_collection_of_firestore() {
    let (name, url) = (name("gcp"), larder_conformance::emulator("hidane"));
    assert_works(json!({
        "service": "firestore", "projectId": "larder-tests", "databaseId": name, "collectionName": name,
        "endpointUrl": url,
    }))
    .await;
}

#[cfg(feature = "azure")]
#[tokio::test]
async fn a_table_of_azure() {
    use larder_tables::testing::{self, EMULATOR_ACCOUNT, EMULATOR_KEY};
    use larder_tables::{Credentials, TablesDriver, TablesOptions};

    let (name, url) = (name("azure"), larder_conformance::emulator("azurite"));
    let key = Credentials::AccountKey(EMULATOR_KEY.into());
    let options = TablesOptions::new(EMULATOR_ACCOUNT, &name).endpoint_url(&url).credentials(key);
    let driver = TablesDriver::open(options).await.expect("the options are right");
    testing::create_table(&driver).await.expect("the table is made");
    assert_works(json!({
        "service": "tablestorage", "accountName": EMULATOR_ACCOUNT, "tableName": name, "endpointUrl": url,
        "accountKey": EMULATOR_KEY,
    }))
    .await;
}

#[cfg(feature = "local")]
#[tokio::test]
async fn a_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    assert_works(json!({ "service": "local-kv", "dataDir": dir.path() })).await;
}

#[cfg(feature = "gateway")]
#[tokio::test]
async fn a_store_behind_a_gateway() {
    use larder::{Kv, MemoryDriver};
    use larder_gateway::{Gateway, Stores};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let kv = Kv::new(MemoryDriver::new().shards(4));
    let gateway = Gateway::new(Stores::of_handles([("shared", kv)]).expect("one store"));
    tokio::spawn(larder_gateway::serve(gateway, listener, std::future::pending()));
    assert_works(json!({ "service": "gateway", "url": url, "binding": "shared" })).await;
}
