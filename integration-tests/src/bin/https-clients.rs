//! Makes an https client of each cloud that it is told, in that order, and prints how a first read ended.
//!
//! Its arguments: a URL, and names of clouds.

use std::time::Duration;

use larder_core::driver::Driver;
use larder_core::{Kv, Result, RetryPolicy};
use larder_dynamodb::{DynamoDbDriver, DynamoDbOptions};
use larder_firestore::{FirestoreDriver, FirestoreOptions};
use larder_tables::testing::{EMULATOR_ACCOUNT, EMULATOR_KEY};
use larder_tables::{TablesDriver, TablesOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("a URL");
    let mut handles = Vec::new();
    // All are made before the first is used.
    for cloud in arguments {
        let kv = open(&cloud, &url).await.expect("the options are right");
        handles.push((cloud, kv));
    }
    for (cloud, kv) in handles {
        match kv.get("key").await {
            Ok(_) => println!("{cloud} works"),
            Err(error) => println!("{cloud} {}", error.kind().as_str()),
        }
    }
}

async fn open(cloud: &str, url: &str) -> Result<Kv> {
    Ok(match cloud {
        "aws" => {
            let keys = larder_dynamodb::Credentials::Keys {
                id: "test".into(),
                secret: "test".into(),
                session_token: None,
            };
            let options = DynamoDbOptions::new("cache", "eu-central-1").endpoint_url(url).credentials(keys);
            handle(DynamoDbDriver::open(options).await?)
        }
        "gcp" => {
            let options = FirestoreOptions::new("project", "cache").endpoint_url(url);
            handle(FirestoreDriver::open(options.credentials(larder_firestore::Credentials::Emulator)).await?)
        }
        _ => {
            let options = TablesOptions::new(EMULATOR_ACCOUNT, "cache").endpoint_url(url);
            let key = larder_tables::Credentials::AccountKey(EMULATOR_KEY.into());
            handle(TablesDriver::open(options.credentials(key)).await?)
        }
    })
}

fn handle(driver: impl Driver + 'static) -> Kv {
    let mut policy = RetryPolicy::default();
    policy.deadline = Duration::from_secs(3);
    Kv::builder(driver).retry(policy).build()
}
