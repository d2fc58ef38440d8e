//! A driver that poses as one on another platform.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use larder_core::Timestamp;
use larder_core::driver::{DriverError, DriverInfo, Health, LayoutKeeper, RowKey};

use super::Hook;

/// Says other things about the platform than the driver does, and answers batches less well.
#[derive(Debug, Default)]
pub struct Posing {
    shards: Option<u16>,
    layout: Option<LayoutKeeper>,
    server_time: Option<Timestamp>,
    batch: Option<BatchFault>,
    failed_once: AtomicBool,
}

/// How a batch is answered less well.
#[derive(Clone, Debug)]
pub enum BatchFault {
    /// Every other position is left undone.
    HalfUndone,
    /// The first position of every batch is left undone, the first time.
    FirstUndoneOnce,
    /// The positions whose canonical key ends like this fail.
    FailsFor(&'static str, DriverError),
}

impl Posing {
    /// Poses as nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// New stores get so many shards.
    #[must_use]
    pub fn shards(mut self, shards: u16) -> Self {
        self.shards = Some(shards);
        self
    }

    /// The layout is kept by whom this names.
    #[must_use]
    pub fn layout(mut self, keeper: LayoutKeeper) -> Self {
        self.layout = Some(keeper);
        self
    }

    /// The store's own clock shows this.
    #[must_use]
    pub fn server_time(mut self, time: Timestamp) -> Self {
        self.server_time = Some(time);
        self
    }

    /// Batches are answered like this.
    #[must_use]
    pub fn batch(mut self, fault: BatchFault) -> Self {
        self.batch = Some(fault);
        self
    }

    /// Ready for [`Hook::over`].
    pub fn ready(self) -> Arc<Self> {
        Arc::new(self)
    }
}

impl Hook for Posing {
    fn info(&self, inner: &DriverInfo) -> DriverInfo {
        let mut info = inner.clone();
        info.default_shards = self.shards.unwrap_or(info.default_shards);
        info.layout = self.layout.unwrap_or(info.layout);
        info
    }

    fn health(&self, inner: Health) -> Health {
        Health { server_time: self.server_time.or(inner.server_time) }
    }

    fn withheld(&self, keys: &[&RowKey]) -> Vec<Option<Option<DriverError>>> {
        let withheld = keys.iter().enumerate().map(|(at, row)| match &self.batch {
            // The last one is always done, so that a batch of one ends.
            Some(BatchFault::HalfUndone) if at % 2 == 0 && at + 1 < keys.len() => Some(None),
            Some(BatchFault::FirstUndoneOnce) if !self.failed_once.swap(true, Ordering::SeqCst) => Some(None),
            Some(BatchFault::FailsFor(end, error)) if row.key.as_str().ends_with(end) => {
                Some(Some(error.clone()))
            }
            _ => None,
        });
        withheld.collect()
    }
}
