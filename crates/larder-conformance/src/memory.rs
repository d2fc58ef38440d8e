//! The harness for stores in memory.

use std::sync::Arc;

use async_trait::async_trait;
use larder_core::MemoryDriver;
use larder_core::driver::{Driver, RowKey};

use crate::harness::{Harness, TestStore};
use crate::wrap::Plain;

/// Stores in memory: the suite's own reference.
#[derive(Clone, Debug)]
pub struct MemoryHarness {
    name: String,
    shards: u16,
    sharing: Sharing,
    manners: Manners,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sharing {
    OneProcess,
    ManyProcesses,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manners {
    Good,
    Plain,
}

impl MemoryHarness {
    /// Stores that spread their keys over so many shards.
    pub fn new(shards: u16) -> Self {
        let name = format!("memory/{shards}");
        Self { name, shards, sharing: Sharing::OneProcess, manners: Manners::Good }
    }

    /// Many processes share a store, so that a sweep takes a lease first.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.name.push_str("/shared");
        self.sharing = Sharing::ManyProcesses;
        self
    }

    /// The driver does no more than it is obliged to: see [`Plain`].
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.name.push_str("/plain");
        self.manners = Manners::Plain;
        self
    }
}

#[async_trait]
impl Harness for MemoryHarness {
    fn name(&self) -> &str {
        &self.name
    }

    async fn create(&self) -> Arc<dyn TestStore> {
        let driver = MemoryDriver::new().shards(self.shards);
        let driver = match self.sharing {
            Sharing::OneProcess => driver,
            Sharing::ManyProcesses => driver.shared(),
        };
        Arc::new(MemoryStore { driver, manners: self.manners })
    }
}

struct MemoryStore {
    driver: MemoryDriver,
    manners: Manners,
}

#[async_trait]
impl TestStore for MemoryStore {
    async fn driver(&self) -> Arc<dyn Driver> {
        match self.manners {
            Manners::Good => Arc::new(self.driver.clone()),
            Manners::Plain => Arc::new(Plain::over(self.driver.clone())),
        }
    }

    async fn corrupt(&self, key: &RowKey) {
        self.driver.corrupt(key);
    }

    async fn restart(&self) {
        // Memory outlives nothing: there is no process to end. The handles are new afterwards, as everywhere.
    }
}
