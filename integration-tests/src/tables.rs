//! Tables of Azure on an emulator, reached directly or through a proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use larder_conformance::emulator;
use larder_core::{Kv, ManualClock, Timestamp};
use larder_tables::testing::{EMULATOR_ACCOUNT, EMULATOR_KEY, create_table};
use larder_tables::{Credentials, TablesDriver, TablesOptions};
use serde_json::{Value, json};

use crate::limits::tireless;

/// A table of its own on Azurite, and the clock that its handles run by.
#[derive(Debug)]
pub struct Table {
    name: String,
    shards: u16,
    clock: Arc<ManualClock>,
}

impl Table {
    /// A new table of 16 shards, whose layout record is written.
    ///
    /// # Panics
    ///
    /// When the emulator cannot be reached.
    pub async fn create() -> Self {
        let table = Self::create_with(16).await;
        table.direct().await.exists("warm").await.expect("the table can be used");
        table
    }

    /// A new table that gets so many shards once it is used.
    ///
    /// # Panics
    ///
    /// When the emulator cannot be reached.
    pub async fn create_with(shards: u16) -> Self {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let name = format!("integration{}x{number}", std::process::id());
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(4_102_444_800_000)));
        let table = Self { name, shards, clock };
        create_table(&table.driver(&emulator("azurite")).await).await.expect("the table is made");
        table
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A binding on it.
    pub fn binding(&self) -> Value {
        json!({
            "service": "tablestorage", "accountName": EMULATOR_ACCOUNT, "tableName": self.name,
            "endpointUrl": emulator("azurite"), "accountKey": EMULATOR_KEY,
        })
    }

    /// A driver by way of an address.
    ///
    /// # Panics
    ///
    /// When the address is none.
    pub async fn driver(&self, url: &str) -> TablesDriver {
        let options = TablesOptions::new(EMULATOR_ACCOUNT, &self.name)
            .endpoint_url(url)
            .credentials(Credentials::AccountKey(EMULATOR_KEY.into()))
            .shards(self.shards);
        TablesDriver::open(options).await.expect("the options are right")
    }

    /// A handle that tells the truth.
    pub async fn direct(&self) -> Kv {
        self.handle(&emulator("azurite")).await
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
