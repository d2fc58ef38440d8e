//! What a backend supplies.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use larder_core::ManualClock;
use larder_core::driver::{Driver, RowKey};

/// Makes stores on one backend.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The backend, for the report.
    fn name(&self) -> &str;

    /// A fresh store of its own: a new table, collection or directory, provisioned and empty, without a layout record.
    ///
    /// It panics when the backend cannot be reached: a test that cannot run has failed.
    async fn create(&self) -> Arc<dyn TestStore>;

    /// How much the test against the model plays. Slow servers may play less.
    fn model(&self) -> ModelSize {
        ModelSize::default()
    }

    /// How long one case may take before it counts as hanging.
    fn case_limit(&self) -> Duration {
        Duration::from_secs(120)
    }
}

/// One store, and what can happen to it.
#[async_trait]
pub trait TestStore: Send + Sync {
    /// A driver on this store, as another process would open it. All of them see the same data.
    ///
    /// A store that lets one process in shares what is open. Sweeping by itself is off, since the cases' clock is not the
    /// real one.
    async fn driver(&self) -> Arc<dyn Driver>;

    /// Tells which clock the case moves, before all else. A store behind a server goes by it, since the server's is what
    /// counts there.
    fn go_by(&self, clock: &Arc<ManualClock>) {
        let _ = clock;
    }

    /// Overwrites a row with something that no layout can decode; the row need not be there.
    async fn corrupt(&self, key: &RowKey);

    /// Closes everything and opens it again, as after a crash. Drivers that were handed out before are dead then.
    async fn restart(&self);
}

/// How much the test against the model plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModelSize {
    /// How many random sequences; at least 1.
    pub sequences: u32,
    /// The most operations of one; at least 1.
    pub operations: usize,
}

impl Default for ModelSize {
    fn default() -> Self {
        Self { sequences: 64, operations: 40 }
    }
}
