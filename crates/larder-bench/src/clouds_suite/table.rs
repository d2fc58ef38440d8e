//! Tables of the measurements, each of its own, and where they are.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use larder_core::Kv;
use larder_dynamodb::testing::create_table;
use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions};

use super::by_hand::ByHand;
use crate::Outcome;

pub(super) const REGION: &str = "eu-central-1";

/// A table, and both ways to it.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) kv: Kv,
    pub(super) by_hand: ByHand,
}

/// The emulator's address.
pub(super) fn emulator() -> Outcome<String> {
    env::var("LARDER_EMULATOR_DYNOXIDE").map_err(|_| {
        "LARDER_EMULATOR_DYNOXIDE is not set: run `eval \"$(cargo xtask emulators up dynoxide)\"` first"
            .into()
    })
}

impl Table {
    /// A new table, whose layout record is written.
    pub(super) async fn create() -> Outcome<Self> {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        let name = format!("bench-{}-{nanos}", std::process::id());
        let driver = driver(&name, &emulator()?).await?;
        create_table(&driver).await?;
        let table = Self::reach(name, &emulator()?).await?;
        table.kv.exists("warm").await?;
        Ok(table)
    }

    /// A table that is there, by way of another address.
    pub(super) async fn reach(name: String, url: &str) -> Outcome<Self> {
        let kv = Kv::new(driver(&name, url).await?);
        Ok(Self { kv, by_hand: ByHand::connect(&name, url).await, name })
    }
}

async fn driver(table: &str, url: &str) -> Outcome<DynamoDbDriver> {
    let keys = Credentials::Keys { id: "test".into(), secret: "test".into(), session_token: None };
    let options = DynamoDbOptions::new(table, REGION).endpoint_url(url).credentials(keys);
    Ok(DynamoDbDriver::open(options).await?)
}
