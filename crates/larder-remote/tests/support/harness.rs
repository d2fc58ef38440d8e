//! Stores behind gateways over HTTP.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use larder_conformance::{Harness, TestStore};
use larder_core::driver::{Driver, RowKey};
use larder_core::{Clock, Kv, Layout, ManualClock, MemoryDriver};
use larder_remote::RemoteDriver;
use larder_sled::{SledDriver, SledOptions};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::Served;

/// What the suite makes its stores with.
pub(crate) struct Remote {
    pub(crate) name: &'static str,
    pub(crate) behind: Behind,
}

/// What is behind the gateway.
#[derive(Clone, Copy)]
pub(crate) enum Behind {
    Memory { shards: u16 },
    Sled,
}

#[async_trait]
impl Harness for Remote {
    fn name(&self) -> &str {
        self.name
    }

    async fn create(&self) -> Arc<dyn TestStore> {
        let store = match self.behind {
            Behind::Memory { shards } => Store::Memory(MemoryDriver::new().shards(shards)),
            Behind::Sled => Store::Sled(tempfile::tempdir().expect("a directory")),
        };
        Arc::new(RemoteStore { store, clock: OnceLock::new(), served: Mutex::new(None) })
    }
}

enum Store {
    Memory(MemoryDriver),
    Sled(TempDir),
}

struct RemoteStore {
    store: Store,
    clock: OnceLock<Arc<ManualClock>>,
    served: Mutex<Option<Served>>,
}

impl RemoteStore {
    fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(self.clock.get().expect("the case has a clock"))
    }

    async fn sled(&self, dir: &TempDir) -> SledDriver {
        let options = SledOptions::new().sweep_interval(None).clock(self.clock());
        SledDriver::open(dir.path(), options).await.expect("it opens")
    }

    async fn serve(&self) -> Served {
        let builder = match &self.store {
            Store::Memory(driver) => Kv::builder(driver.clone()),
            Store::Sled(dir) => Kv::builder(self.sled(dir).await),
        };
        Served::start(builder.clock(self.clock() as Arc<dyn Clock>).build()).await
    }

    /// Where a row is behind the gateway.
    fn below(key: &RowKey, shards: u16) -> RowKey {
        RowKey { shard: Layout::new(shards).shard_of(&key.key), key: key.key.clone() }
    }
}

#[async_trait]
impl TestStore for RemoteStore {
    async fn driver(&self) -> Arc<dyn Driver> {
        let mut served = self.served.lock().await;
        let served = match &mut *served {
            Some(served) => served,
            None => served.insert(self.serve().await),
        };
        let options = served.options().clock(self.clock() as Arc<dyn Clock>);
        Arc::new(RemoteDriver::open(&options).expect("the options are right"))
    }

    fn go_by(&self, clock: &Arc<ManualClock>) {
        assert!(self.clock.set(Arc::clone(clock)).is_ok(), "one case has one clock");
    }

    async fn corrupt(&self, key: &RowKey) {
        match &self.store {
            Store::Memory(driver) => {
                let shards = driver.info().default_shards;
                driver.corrupt(&Self::below(key, shards));
            }
            Store::Sled(dir) => {
                let row = Self::below(key, 1);
                self.sled(dir).await.plant(&row, b"no record").await.expect("it is planted");
            }
        }
    }

    async fn restart(&self) {
        if let Some(served) = self.served.lock().await.take() {
            served.stop().await;
        }
    }
}
