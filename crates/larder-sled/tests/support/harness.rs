//! Stores in directories of their own.

use std::sync::Arc;

use async_trait::async_trait;
use larder_conformance::{Harness, TestStore};
use larder_core::driver::{Driver, RowKey};
use larder_sled::{Durability, SledDriver, SledOptions};
use tempfile::TempDir;
use tokio::sync::Mutex;

/// What the suite makes its stores with.
pub(crate) struct SledHarness {
    pub(crate) name: &'static str,
    pub(crate) durability: Durability,
}

#[async_trait]
impl Harness for SledHarness {
    fn name(&self) -> &str {
        self.name
    }

    async fn create(&self) -> Arc<dyn TestStore> {
        let dir = tempfile::tempdir().expect("a directory");
        let options = SledOptions::new().durability(self.durability).sweep_interval(None);
        Arc::new(SledStore { dir, options, open: Mutex::new(None) })
    }
}

struct SledStore {
    dir: TempDir,
    options: SledOptions,
    /// Keeps the store open between the drivers of a case.
    open: Mutex<Option<SledDriver>>,
}

impl SledStore {
    async fn open(&self) -> SledDriver {
        let driver = SledDriver::open(self.dir.path(), self.options.clone()).await.expect("it opens");
        *self.open.lock().await = Some(driver.clone());
        driver
    }
}

#[async_trait]
impl TestStore for SledStore {
    async fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(self.open().await)
    }

    async fn corrupt(&self, key: &RowKey) {
        self.open().await.plant(key, b"no record").await.expect("it is planted");
    }

    async fn restart(&self) {
        // The case has dropped its drivers, so that this is the last one, and closes the store.
        *self.open.lock().await = None;
        self.open().await;
    }
}
