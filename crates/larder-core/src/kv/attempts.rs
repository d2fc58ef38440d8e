//! One operation's attempts: their time limits, the pauses between them, and when to give up (E4).

use std::pin::{Pin, pin};
use std::time::Duration;

use backon::ExponentialBackoff;
use tokio::time::{Instant, sleep_until};

use super::Shared;
use crate::driver::{self, DriverError, Effect, LayoutKeeper};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::retry::jittered;
use crate::time::{Clock, SKEW_BOUND};

/// What the driver's methods return.
pub(super) type Attempt<'a, T> = Pin<Box<dyn Future<Output = Result<T, DriverError>> + Send + 'a>>;

/// Whether time went by, so that what was seen before is old.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Paused {
    Yes,
    No,
}

/// The attempts of one operation.
pub(super) struct Attempts<'a> {
    shared: &'a Shared,
    operation: Operation,
    /// Set when the first attempt does not answer at once, so that an operation in memory reads no clock for it.
    deadline: Option<Instant>,
    backoff: Option<ExponentialBackoff>,
    conflicts: u32,
    begun: bool,
    /// What the operation's times were made by.
    reading: Option<ClockReading>,
}

/// How far a clock had been moved to follow a server's when the times of an operation were made by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockReading(i64);

impl ClockReading {
    pub(super) fn of(clock: &dyn Clock) -> Self {
        Self(clock.correction())
    }

    /// Whether times that were made then are still right, within what clocks may be off.
    fn holds(self, clock: &dyn Clock) -> bool {
        let moved = clock.correction().saturating_sub(self.0).unsigned_abs();
        u128::from(moved) <= SKEW_BOUND.as_millis()
    }
}

impl<'a> Attempts<'a> {
    pub(super) fn new(shared: &'a Shared, operation: Operation) -> Self {
        Self::until(shared, operation, None)
    }

    /// The attempts of a part of an operation, which has to be done by the deadline of the whole.
    pub(super) fn until(
        shared: &'a Shared,
        operation: Operation,
        deadline: impl Into<Option<Instant>>,
    ) -> Self {
        Self {
            shared,
            operation,
            deadline: deadline.into(),
            backoff: None,
            conflicts: 0,
            begun: false,
            reading: None,
        }
    }

    /// Runs one attempt within its time. A first one that would have no time to be answered is not begun: it would only
    /// leave a write in doubt.
    pub(super) async fn run<T>(&mut self, attempt: Attempt<'_, T>) -> Result<T, DriverError> {
        let is_first = !std::mem::replace(&mut self.begun, true);
        if is_first
            && let Some(deadline) = self.deadline
            && deadline.saturating_duration_since(Instant::now()) < self.shared.policy.shortest_attempt()
        {
            let reason = "the time was up before the attempt; try again";
            return Err(DriverError::refused(ErrorKind::Timeout, reason));
        }
        let shared = self.shared;
        let mut until = || self.deadline().min(Instant::now() + shared.policy.attempt_timeout);
        let result = match shared.driver.info().layout {
            LayoutKeeper::Store => shared.timers.until(until, attempt).await,
            // Who keeps it is asked from afar, and told how long the answer is waited for.
            LayoutKeeper::Server => {
                let until = until();
                shared.timers.until(|| until, pin!(driver::until(until, attempt))).await
            }
        };
        let result = result
            .unwrap_or_else(|| Err(DriverError::unknown(ErrorKind::Timeout, "the attempt took too long")));
        if result.is_ok() {
            shared.budget.succeeded();
        }
        result
    }

    /// Goes by a reading from before these attempts were begun: they are a part of a larger operation.
    pub(super) fn since(mut self, reading: Option<ClockReading>) -> Self {
        self.reading = reading;
        self
    }

    /// Refuses to send a write by a server's clock that was set since the operation was begun: its expiry would be wrong,
    /// and so would be what the times of other writes tell of it (T4, P4).
    ///
    /// # Errors
    ///
    /// `Unavailable`: the same operation begun anew goes by the right time.
    pub(super) fn check_clock(&mut self) -> Result<()> {
        let clock = self.shared.clock.as_ref();
        if self.reading.get_or_insert_with(|| ClockReading::of(clock)).holds(clock) {
            return Ok(());
        }
        let reason = "the server's clock was set while the operation was under way; try again";
        Err(Error::new(ErrorKind::Unavailable, reason))
    }

    /// Runs a read until it succeeds, fails for good, or the time is up. A read that went unanswered is sent again.
    pub(super) async fn read<'b, T>(&mut self, mut attempt: impl FnMut() -> Attempt<'b, T>) -> Result<T> {
        loop {
            match self.run(attempt()).await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.retryable => Box::pin(self.pause(&error)).await?,
                Err(error) => return Err(error.not_applied().into_error()),
            }
        }
    }

    /// Pauses before the next attempt.
    ///
    /// # Errors
    ///
    /// The attempt's own error, when the deadline comes before the pause ends or the retry budget is spent.
    pub(super) async fn pause(&mut self, error: &DriverError) -> Result<()> {
        if !self.shared.budget.take() {
            tracing::warn!(target: "larder", binding = &*self.shared.binding, "the retry budget is spent");
            return Err(error.clone().into_error());
        }
        self.pause_before(error, self.shared.policy.shortest_retry()).await
    }

    /// Pauses before a look at what became of a write. It is no retry, so that the budget is not asked, and leaves nothing in
    /// doubt when it is cut off.
    ///
    /// # Errors
    ///
    /// The attempt's own error, when the deadline comes before the pause ends.
    pub(super) async fn pause_to_look(&mut self, error: &DriverError) -> Result<()> {
        self.pause_before(error, self.shared.policy.shortest_attempt()).await
    }

    /// Pauses, unless less than the least time would be left for what comes then.
    async fn pause_before(&mut self, error: &DriverError, least: Duration) -> Result<()> {
        let now = Instant::now();
        let left = self.deadline().saturating_duration_since(now);
        let pause = jittered(self.longest_pause()).max(error.retry_after.unwrap_or_default());
        if pause.saturating_add(least) >= left {
            return Err(error.clone().into_error());
        }
        self.shared.telemetry.retried(self.operation, error.kind);
        sleep_until(now + pause).await;
        Ok(())
    }

    /// Makes way for whoever changed the record first, the more the more often that happens.
    ///
    /// # Errors
    ///
    /// `Timeout`, when the deadline has passed.
    pub(super) async fn conflict(&mut self) -> Result<Paused> {
        self.conflicts += 1;
        // The first is no contention yet: it may be the takeover of an expired record.
        let until = match self.conflicts {
            1 => Instant::now(),
            _ => Instant::now() + jittered(self.longest_pause()),
        };
        if until >= self.deadline() {
            return Err(Error::new(ErrorKind::Timeout, "others kept changing the record; try again"));
        }
        if self.conflicts == 1 {
            return Ok(Paused::No);
        }
        sleep_until(until).await;
        Ok(Paused::Yes)
    }

    fn longest_pause(&mut self) -> Duration {
        let policy = &self.shared.policy;
        self.backoff.get_or_insert_with(|| policy.backoff()).next().unwrap_or(policy.backoff_max)
    }

    pub(super) fn deadline(&mut self) -> Instant {
        let policy = &self.shared.policy;
        *self.deadline.get_or_insert_with(|| Instant::now() + policy.deadline)
    }
}

impl DriverError {
    /// The error for the caller, of a request whose effect is known.
    pub(crate) fn into_error(self) -> Error {
        Error::new(self.kind, self.message)
            .with_retryable(self.retryable)
            .with_retry_after(self.retry_after)
            .with_shared_source(self.source)
    }

    /// Whether the same write can be sent again without asking what became of it.
    pub(super) fn may_be_sent_again(&self) -> bool {
        self.effect == Effect::NotApplied && self.retryable
    }
}
