//! What a case works with.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use larder_core::driver::{Driver, LayoutKeeper, RowKey};
use larder_core::hash::xxh64;
use larder_core::{CanonicalKey, Clock, Kv, KvBuilder, Layout, ManualClock, RetryPolicy, Timestamp};

use crate::harness::{ModelSize, TestStore};
use crate::support::canonical;

/// 2100-01-01T00:00:00Z: later than any reaper that runs by the real time.
const START: Timestamp = Timestamp::from_millis(4_102_444_800_000);

/// A fresh store, a clock to move, and handles on both.
#[derive(Clone)]
pub struct Context {
    store: Arc<dyn TestStore>,
    clock: Arc<ManualClock>,
    model: ModelSize,
    seed: u64,
    /// Told by the first driver that is asked: to make one takes a client of HTTPS longer than what most cases do with it.
    shards: Arc<OnceLock<u16>>,
}

impl Context {
    /// What a case of that name gets; for tests outside the suite that work on any backend as well.
    pub fn new(store: Arc<dyn TestStore>, model: ModelSize, case: &str) -> Self {
        let seed = xxh64(case.as_bytes());
        let clock = Arc::new(ManualClock::new(START));
        store.go_by(&clock);
        Self { store, clock, model, seed, shards: Arc::default() }
    }

    /// A new handle, as another process has one.
    pub async fn kv(&self) -> Kv {
        self.handle(self.driver().await)
    }

    /// A new driver on the store.
    pub async fn driver(&self) -> Arc<dyn Driver> {
        self.store.driver().await
    }

    /// A handle on that driver, by the case's clock.
    pub fn handle(&self, driver: impl Driver + 'static) -> Kv {
        self.builder(driver).build()
    }

    /// The settings of [`Context::handle`], to be changed.
    pub fn builder(&self, driver: impl Driver + 'static) -> KvBuilder {
        Kv::builder(driver).binding("conformance").clock(self.clock()).retry(eager())
    }

    /// The store.
    pub fn store(&self) -> &dyn TestStore {
        &*self.store
    }

    /// The clock that the handles run by.
    pub fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Where the row of a key is, on a store that nobody gave another layout.
    pub async fn row(&self, key: &str) -> RowKey {
        let shards = match self.shards.get() {
            Some(shards) => *shards,
            None => {
                let driver = self.driver().await;
                *self.shards.get_or_init(|| match driver.info().layout {
                    LayoutKeeper::Store => driver.info().default_shards,
                    LayoutKeeper::Server => 1,
                })
            }
        };
        let key = CanonicalKey::from_canonical(canonical(key)).expect("canonical() is canonical");
        RowKey { shard: Layout::new(shards).shard_of(&key), key }
    }

    /// The same number for the same case, always.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How much the test against the model plays.
    pub fn model(&self) -> ModelSize {
        self.model
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("now", &self.now()).field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// The default limits with short pauses and plenty of retries, so that faults on purpose cost no time.
pub(crate) fn eager() -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    policy.backoff_min = Duration::from_micros(100);
    policy.backoff_max = Duration::from_millis(20);
    policy.deadline = Duration::from_secs(30);
    policy.budget = 100_000;
    policy
}
