//! A driver under which operations overlap, and on request lose their replies.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use larder_core::driver::{
    BatchItem, Driver, DriverError, DriverInfo, Effect, Health, Increment, IncrementReply, Mutation, Read,
    RowKey, ScanReply, ScanRequest, Swept, Write, WriteReply,
};
use larder_core::record::Record;
use larder_core::{ErrorKind, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

tokio::task_local! {
    /// The attempts of the operation under way that stored their value, or may have, without an answer.
    static DOUBTS: Cell<u32>;
}

/// Runs an operation, and counts the puts among its attempts that stored their value, or may have, without an answer.
///
/// The handle may send such a put again, so that the operation takes effect once more: see P4.
pub(super) async fn counting_doubts<T>(operation: impl Future<Output = T>) -> (T, u32) {
    let counted = async {
        let result = operation.await;
        (result, DOUBTS.with(Cell::get))
    };
    DOUBTS.scope(Cell::new(0), counted).await
}

fn doubt(more: i32) {
    // Outside of an operation nobody counts.
    let _ = DOUBTS.try_with(|doubts| doubts.set(doubts.get().saturating_add_signed(more)));
}

/// How often what goes wrong, of a thousand times.
#[derive(Clone, Copy, Default, Debug)]
pub struct Losses {
    /// A write never arrives.
    pub before: u32,
    /// A write is carried out, and its reply does not come.
    pub after: u32,
    /// A caller drops the future of its operation.
    pub dropped: u32,
}

/// Gives others their turn before and after each request, and loses requests and replies of writes.
pub(super) struct Unsettled {
    inner: Arc<dyn Driver>,
    losses: Losses,
    rng: Mutex<StdRng>,
}

enum Fate {
    Answered,
    LostBefore,
    LostAfter,
}

impl Unsettled {
    pub(super) fn over(inner: Arc<dyn Driver>, losses: Losses, seed: u64) -> Self {
        Self { inner, losses, rng: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    fn draw(&self, below: u32) -> u32 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).random_range(0..below)
    }

    /// A few turns, or none. More than one, since the handle polls an attempt that is not ready once more at once.
    async fn others_turn(&self) {
        for _ in 0..self.draw(5) {
            tokio::task::yield_now().await;
        }
    }

    fn fate(&self) -> Fate {
        let drawn = self.draw(1_000);
        if drawn < self.losses.before {
            Fate::LostBefore
        } else if drawn < self.losses.before + self.losses.after {
            Fate::LostAfter
        } else {
            Fate::Answered
        }
    }

    async fn sent<T>(&self, request: impl Future<Output = Result<T, DriverError>>) -> Result<T, DriverError> {
        self.others_turn().await;
        let fate = self.fate();
        if matches!(fate, Fate::LostBefore) {
            return Err(lost());
        }
        let reply = request.await;
        self.others_turn().await;
        if matches!(fate, Fate::LostAfter) { Err(lost()) } else { reply }
    }
}

fn lost() -> DriverError {
    DriverError::unknown(ErrorKind::Timeout, "the reply was lost on purpose")
}

fn may_be_stored(reply: &Result<WriteReply, DriverError>) -> bool {
    match reply {
        Ok(WriteReply::Applied(_)) => true,
        Ok(WriteReply::Refused(_)) => false,
        Err(error) => error.effect == Effect::Unknown,
    }
}

impl fmt::Debug for Unsettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsettled").field("inner", &self.inner).finish_non_exhaustive()
    }
}

#[async_trait]
impl Driver for Unsettled {
    fn info(&self) -> &DriverInfo {
        self.inner.info()
    }

    async fn get(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        self.others_turn().await;
        let record = self.inner.get(key, read).await;
        self.others_turn().await;
        record
    }

    async fn write(&self, key: &RowKey, write: &Write, now: Timestamp) -> Result<WriteReply, DriverError> {
        if key.key.is_system() {
            return self.inner.write(key, write, now).await;
        }
        let puts = matches!(write.mutation, Mutation::Put { .. });
        let request = async {
            // From here on the request may be carried out, even if nobody waits for it any more.
            doubt(puts.into());
            let reply = self.inner.write(key, write, now).await;
            if puts && !may_be_stored(&reply) {
                doubt(-1);
            }
            reply
        };
        let reply = self.sent(request).await;
        if puts && matches!(reply, Ok(WriteReply::Applied(_))) {
            doubt(-1);
        }
        reply
    }

    async fn increment(
        &self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        self.sent(self.inner.increment(key, increment, now)).await
    }

    async fn scan(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        self.inner.scan(request).await
    }

    async fn is_empty(&self) -> Result<bool, DriverError> {
        self.inner.is_empty().await
    }

    async fn get_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        self.inner.get_batch(keys, read).await
    }

    async fn write_batch(
        &self,
        writes: &[(RowKey, Write)],
        now: Timestamp,
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        self.inner.write_batch(writes, now).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        self.inner.sweep(now, limit).await
    }

    async fn check(&self) -> Result<Health, DriverError> {
        self.inner.check().await
    }
}
