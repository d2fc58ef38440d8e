//! Stores on Azurite, each a table of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use larder_conformance::{Harness, ModelSize, TestStore, emulator};
use larder_core::driver::{Driver, RowKey};
use larder_tables::testing::{EMULATOR_ACCOUNT, EMULATOR_KEY, create_table, spoil};
use larder_tables::{Credentials, TablesDriver, TablesOptions};

/// What the suite makes its stores with.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) shards: u16,
}

#[async_trait]
impl Harness for Server {
    fn name(&self) -> &str {
        self.name
    }

    async fn create(&self) -> Arc<dyn TestStore> {
        static TABLES: AtomicU32 = AtomicU32::new(0);
        let number = TABLES.fetch_add(1, Ordering::Relaxed);
        let table = format!("conformance{}x{number}", std::process::id());
        let options = TablesOptions::new(EMULATOR_ACCOUNT, table)
            .endpoint_url(emulator(self.name))
            .credentials(Credentials::AccountKey(EMULATOR_KEY.into()))
            .shards(self.shards);
        let driver = TablesDriver::open(options.clone()).await.expect("the options are right");
        create_table(&driver).await.expect("the table is made");
        Arc::new(Table { options, driver })
    }

    fn model(&self) -> ModelSize {
        ModelSize { sequences: 12, operations: 30 }
    }
}

struct Table {
    options: TablesOptions,
    driver: TablesDriver,
}

#[async_trait]
impl TestStore for Table {
    async fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(TablesDriver::open(self.options.clone()).await.expect("the options are right"))
    }

    async fn corrupt(&self, key: &RowKey) {
        spoil(&self.driver, key).await.expect("it is spoilt");
    }

    async fn restart(&self) {
        // The server goes on; what starts again is the process that uses it, with new drivers.
    }
}
