//! One service with stores on every platform, all opened by its bindings.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use larder::{Bindings, Context, Kv, SystemClock};
use larder_conformance::{Harness, ModelSize, TestStore, emulator};
use larder_core::driver::{Driver, RowKey};
use larder_sled::{SledDriver, SledOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::{dynamodb, firestore, tables};

/// A service, whose bindings file grows as it is given stores.
#[derive(Debug)]
pub struct Service {
    context: Context,
    dir: TempDir,
    entries: Mutex<BTreeMap<String, Value>>,
}

impl Service {
    /// A service without any binding.
    ///
    /// # Panics
    ///
    /// When there is no place for its file.
    pub fn new() -> Arc<Self> {
        let dir = TempDir::new().expect("a directory");
        let context = Context::new(Bindings::from_file(dir.path().join("bindings.json")));
        Arc::new(Self { context, dir, entries: Mutex::default() })
    }

    /// The service's own context.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// A harness that gives the service one more store on a platform for every case.
    pub fn harness(self: &Arc<Self>, platform: Platform) -> impl Harness + use<> {
        Stores { service: Arc::clone(self), platform }
    }

    /// Makes a store, adds its binding, and returns the id of that.
    ///
    /// # Panics
    ///
    /// When the platform's emulator cannot be reached.
    pub async fn add(&self, platform: Platform) -> String {
        self.bind(platform).await.0
    }

    async fn bind(&self, platform: Platform) -> (String, Place) {
        let mut entries = self.entries.lock().await;
        let id = format!("{}-{}", platform.name(), entries.len());
        let place = match platform {
            Platform::Local => Place::Local(self.dir.path().join(&id)),
            Platform::Aws => Place::Aws(dynamodb::Table::create_empty().await),
            Platform::Gcp => Place::Gcp(firestore::Collection::create_empty()),
            Platform::Azure => Place::Azure(tables::Table::create_with(16).await),
        };
        entries.insert(id.clone(), place.binding());
        // Whoever loads another binding meanwhile reads one of the two files whole.
        let (file, next) = (self.dir.path().join("bindings.json"), self.dir.path().join("next"));
        fs::write(&next, json!(*entries).to_string()).expect("a file");
        fs::rename(next, file).expect("it takes the old one's place");
        (id, place)
    }
}

/// Where a store is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Platform {
    /// A directory.
    Local,
    /// DynamoDB.
    Aws,
    /// Firestore.
    Gcp,
    /// Azure Tables.
    Azure,
}

impl Platform {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Local, Self::Aws, Self::Gcp, Self::Azure];

    /// As the features of `larder` are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
        }
    }
}

enum Place {
    Local(PathBuf),
    Aws(dynamodb::Table),
    Gcp(firestore::Collection),
    Azure(tables::Table),
}

impl Place {
    fn binding(&self) -> Value {
        match self {
            Self::Local(dir) => json!({ "service": "local-kv", "dataDir": dir }),
            Self::Aws(table) => table.binding(),
            Self::Gcp(collection) => collection.binding(),
            Self::Azure(table) => table.binding(),
        }
    }

    /// Writes past the binding.
    async fn spoil(&self, row: &RowKey) {
        let spoilt = match self {
            Self::Local(dir) => {
                let driver = SledDriver::open(dir, SledOptions::new()).await.expect("it is open");
                driver.plant(row, b"no record").await.map_err(|error| format!("{error:?}"))
            }
            Self::Aws(table) => {
                larder_dynamodb::testing::spoil(&table.driver(&emulator("dynoxide")).await, row).await
            }
            Self::Gcp(collection) => {
                larder_firestore::testing::spoil(&collection.driver(&emulator("hidane")).await, row).await
            }
            Self::Azure(table) => {
                larder_tables::testing::spoil(&table.driver(&emulator("azurite")).await, row).await
            }
        };
        spoilt.expect("it is spoilt");
    }
}

struct Stores {
    service: Arc<Service>,
    platform: Platform,
}

#[async_trait]
impl Harness for Stores {
    fn name(&self) -> &str {
        self.platform.name()
    }

    async fn create(&self) -> Arc<dyn TestStore> {
        let (id, place) = self.service.bind(self.platform).await;
        Arc::new(Store { service: Arc::clone(&self.service), id, place, open: Mutex::default() })
    }

    fn model(&self) -> ModelSize {
        match self.platform {
            Platform::Local => ModelSize::default(),
            _ => ModelSize { sequences: 12, operations: 30 },
        }
    }

    fn case_limit(&self) -> Duration {
        // The servers share one machine, and a binding's tables have all the shards that they have in earnest.
        Duration::from_secs(400)
    }
}

struct Store {
    service: Arc<Service>,
    id: String,
    place: Place,
    /// Keeps an embedded store open between the drivers of a case.
    open: Mutex<Option<Kv>>,
}

#[async_trait]
impl TestStore for Store {
    async fn driver(&self) -> Arc<dyn Driver> {
        // Bindings with settings of their own have handles of their own, as another process has.
        let bindings = self.service.context.bindings().clone().with_clock(Arc::new(SystemClock));
        let kv = bindings.load_kv(&self.id).await.expect("the binding is right");
        let driver = kv.driver();
        *self.open.lock().await = Some(kv);
        driver
    }

    async fn corrupt(&self, key: &RowKey) {
        self.place.spoil(key).await;
    }

    async fn restart(&self) {
        // The case has dropped its drivers, so that this is the last one.
        *self.open.lock().await = None;
    }
}
