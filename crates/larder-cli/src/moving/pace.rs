//! How fast entries may be written.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// The most entries that are written at once.
pub(crate) const BATCH: u32 = 1_000;

/// A limit of entries per second, or none.
#[derive(Debug)]
pub(crate) struct Pace {
    limiter: Option<DefaultDirectRateLimiter>,
    batch: NonZeroU32,
}

impl Pace {
    /// At most this many entries per second, in batches that are not larger.
    pub(crate) fn new(rate: Option<NonZeroU32>) -> Self {
        let largest = NonZeroU32::new(BATCH).unwrap_or(NonZeroU32::MIN);
        let batch = rate.map_or(largest, |rate| rate.min(largest));
        let limiter = rate.map(|rate| RateLimiter::direct(Quota::per_second(rate).allow_burst(batch)));
        Self { limiter, batch }
    }

    /// The most entries that can be waited for at once.
    pub(crate) fn batch(&self) -> usize {
        self.batch.get() as usize
    }

    /// Waits until that many entries may be written, which are no more than a batch.
    pub(crate) async fn wait(&self, entries: usize) {
        let entries = u32::try_from(entries).ok().and_then(NonZeroU32::new);
        if let (Some(limiter), Some(entries)) = (&self.limiter, entries) {
            // It refuses only what is more than a batch, which nobody asks for.
            let _ = limiter.until_n_ready(entries.min(self.batch)).await;
        }
    }
}
