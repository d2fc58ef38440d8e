//! Collections on an emulator, reached directly or through a proxy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use larder_conformance::emulator;
use larder_core::{Kv, ManualClock, Timestamp};
use larder_firestore::{FirestoreDriver, FirestoreOptions};
use serde_json::{Value, json};

use crate::limits::tireless;

/// The project that all collections are in.
pub const PROJECT: &str = "larder-tests";

/// A collection of its own on hidane, and the clock that its handles run by.
#[derive(Debug)]
pub struct Collection {
    name: String,
    options: FirestoreOptions,
    clock: Arc<ManualClock>,
}

impl Collection {
    /// A new collection, whose layout record is written.
    ///
    /// # Panics
    ///
    /// When the emulator cannot be reached.
    pub async fn create() -> Self {
        let collection = Self::create_empty();
        collection.direct().await.exists("warm").await.expect("the collection can be used");
        collection
    }

    /// A new collection without a layout record.
    pub fn create_empty() -> Self {
        static COLLECTIONS: AtomicU32 = AtomicU32::new(0);
        let number = COLLECTIONS.fetch_add(1, Ordering::Relaxed);
        let name = format!("integration-{}-{number}", std::process::id());
        let options = FirestoreOptions::new(PROJECT, name.clone()).database(name.clone());
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(4_102_444_800_000)));
        Self { name, options, clock }
    }

    /// The name of the collection, and of the database that it is in.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A binding on it.
    pub fn binding(&self) -> Value {
        json!({
            "service": "firestore", "projectId": PROJECT, "databaseId": self.name, "collectionName": self.name,
            "endpointUrl": emulator("hidane"),
        })
    }

    /// A driver by way of an address.
    ///
    /// # Panics
    ///
    /// When the address is none.
    pub async fn driver(&self, url: &str) -> FirestoreDriver {
        let options = self.options.clone().endpoint_url(url);
        FirestoreDriver::open(options).await.expect("the options are right")
    }

    /// A handle that tells the truth.
    pub async fn direct(&self) -> Kv {
        self.handle(&emulator("hidane")).await
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
