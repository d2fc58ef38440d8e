//! Stores on the emulator, each a collection of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use larder_conformance::{Harness, ModelSize, TestStore, emulator};
use larder_core::driver::{Driver, RowKey};
use larder_firestore::testing::spoil;
use larder_firestore::{FirestoreDriver, FirestoreOptions};

/// What the suite makes its stores with.
pub(crate) struct Server;

#[async_trait]
impl Harness for Server {
    fn name(&self) -> &str {
        "hidane"
    }

    async fn create(&self) -> Arc<dyn TestStore> {
        static COLLECTIONS: AtomicU32 = AtomicU32::new(0);
        let number = COLLECTIONS.fetch_add(1, Ordering::Relaxed);
        // A database of its own too: stores share nothing.
        let name = format!("conformance-{}-{number}", std::process::id());
        let options = FirestoreOptions::new("larder-tests", name.clone())
            .database(name)
            .endpoint_url(emulator("hidane"));
        let driver = FirestoreDriver::open(options.clone()).await.expect("the options are right");
        Arc::new(Collection { options, driver })
    }

    fn model(&self) -> ModelSize {
        ModelSize { sequences: 12, operations: 30 }
    }
}

struct Collection {
    options: FirestoreOptions,
    driver: FirestoreDriver,
}

#[async_trait]
impl TestStore for Collection {
    async fn driver(&self) -> Arc<dyn Driver> {
        Arc::new(FirestoreDriver::open(self.options.clone()).await.expect("the options are right"))
    }

    async fn corrupt(&self, key: &RowKey) {
        spoil(&self.driver, key).await.expect("it is spoilt");
    }

    async fn restart(&self) {
        // The server goes on; what starts again is the process that uses it, with new drivers.
    }
}
