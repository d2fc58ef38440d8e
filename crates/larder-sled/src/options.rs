//! How to open a store.

use std::sync::Arc;
use std::time::Duration;

use larder_core::{Clock, Error, ErrorKind, SystemClock};

/// How to open a store.
///
/// Who opens a directory first in a process decides how often it is swept, by which clock, and how much it caches; the
/// durability has to be the same for all.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SledOptions {
    /// When a write is acknowledged.
    pub durability: Durability,
    /// The most bytes of pages to keep in memory; 64 MiB unless told.
    pub cache_bytes: u64,
    /// How often expired entries are removed without being asked; a minute unless told, `None` for never.
    pub sweep_interval: Option<Duration>,
    /// The clock that the sweeper goes by.
    pub clock: Arc<dyn Clock>,
}

impl SledOptions {
    /// Durable, 64 MiB of cache, swept every minute by the system's clock.
    pub fn new() -> Self {
        Self {
            durability: Durability::Flush,
            cache_bytes: 64 * 1024 * 1024,
            sweep_interval: Some(Duration::from_secs(60)),
            clock: Arc::new(SystemClock),
        }
    }

    /// When a write is acknowledged.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// The most bytes of pages to keep in memory.
    #[must_use]
    pub fn cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// How often expired entries are removed without being asked; `None` for never.
    #[must_use]
    pub fn sweep_interval(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.sweep_interval = interval.into();
        self
    }

    /// The clock that the sweeper goes by. Give the handle's own.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

impl SledOptions {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.sweep_interval.is_some_and(|interval| interval.is_zero()) {
            let reason = "the sweep interval is zero; give some time, or none for no sweeps";
            return Err(Error::new(ErrorKind::InvalidInput, reason));
        }
        Ok(())
    }
}

impl Default for SledOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// When a write is acknowledged (P5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// When it is on disk: it survives a killed process, and a power loss as far as `fdatasync` does.
    #[default]
    Flush,
    /// At once; it is made durable about every half second. A killed process or a power loss may lose the last of the
    /// acknowledged writes. **Relaxed**: for caches and tests.
    Interval,
}
