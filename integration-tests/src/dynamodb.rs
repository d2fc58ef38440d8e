//! Tables on an emulator, reached directly or through a proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use larder_conformance::emulator;
use larder_core::{Kv, ManualClock, Timestamp};
use larder_dynamodb::testing::create_table;
use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions};
use serde_json::{Value, json};

use crate::limits::tireless;

const REGION: &str = "eu-central-1";

/// A table of its own on dynoxide, and the clock that its handles run by.
#[derive(Debug)]
pub struct Table {
    name: String,
    clock: Arc<ManualClock>,
}

impl Table {
    /// A new table, whose layout record is written.
    ///
    /// # Panics
    ///
    /// When the emulator cannot be reached.
    pub async fn create() -> Self {
        let table = Self::create_empty().await;
        table.direct().await.exists("warm").await.expect("the table can be used");
        table
    }

    /// A new table without a layout record.
    ///
    /// # Panics
    ///
    /// When the emulator cannot be reached.
    pub async fn create_empty() -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let name = format!("integration-{}-{number}", std::process::id());
        // Later than any reaper that goes by the real time.
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(4_102_444_800_000)));
        let table = Self { name, clock };
        create_table(&table.driver(&emulator("dynoxide")).await).await.expect("the table is made");
        table
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A binding on it.
    pub fn binding(&self) -> Value {
        json!({
            "service": "dynamodb", "tableName": self.name, "region": REGION, "endpointUrl": emulator("dynoxide"),
            "accessKeyId": "test", "secretAccessKey": "test",
        })
    }

    /// A driver by way of an address.
    ///
    /// # Panics
    ///
    /// When the address is none.
    pub async fn driver(&self, url: &str) -> DynamoDbDriver {
        let keys = Credentials::Keys { id: "test".into(), secret: "test".into(), session_token: None };
        let options = DynamoDbOptions::new(&self.name, REGION).endpoint_url(url).credentials(keys);
        DynamoDbDriver::open(options).await.expect("the options are right")
    }

    /// A handle that tells the truth.
    pub async fn direct(&self) -> Kv {
        self.handle(&emulator("dynoxide")).await
    }

    /// A handle by way of an address, which gives an attempt 1 s, an operation 8 s, and makes short pauses.
    pub async fn handle(&self, url: &str) -> Kv {
        self.handle_within(url, Duration::from_secs(8)).await
    }

    /// The same with another time for an operation.
    pub async fn handle_within(&self, url: &str, deadline: Duration) -> Kv {
        let driver = self.driver(url).await;
        Kv::builder(driver).binding("cache").clock(self.clock()).retry(tireless(deadline)).build()
    }

    /// What the handles run by.
    pub fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }
}
