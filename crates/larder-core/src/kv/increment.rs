//! Counters (C1, C2).

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

use super::attempts::{Attempts, Paused};
use super::{Kv, Place, Shared};
use crate::driver::{
    Effect, Increment, IncrementReply, IncrementStep, Observed, Projection, RowKey, WriteReply,
};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::options::expiry;
use crate::record::{Record, Register, WriteId, WriteStamp};
use crate::time::{Expiry, Timestamp};

impl Kv {
    /// Adds `delta` to a counter and returns the sum: this call's own result, whoever else adds (C1).
    ///
    /// An absent or expired counter starts from 0, and only then gets the TTL. The value is decimal text, which `get`
    /// reads and `put` can set.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver};
    /// # use std::time::Duration;
    /// # let kv = Kv::new(MemoryDriver::new());
    /// let window = Duration::from_secs(60);
    /// assert_eq!(kv.increment("ratelimit:login:7", 1, window).await?, 1);
    /// assert_eq!(kv.increment("ratelimit:login:7", 1, window).await?, 2);
    /// assert_eq!(kv.increment("visits", -3, None).await?, -3);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the value is no counter or the sum leaves the range of an `i64`; nothing changes then.
    /// `Ambiguous` when the reply was lost and the counter's memory of its last increments does not tell (C2).
    pub async fn increment(
        &self,
        key: impl AsRef<str>,
        delta: i64,
        ttl_on_create: impl Into<Option<Duration>>,
    ) -> Result<i64> {
        let key = key.as_ref();
        let ttl = ttl_on_create.into();
        let work = pin!(async {
            let early = expiry(ttl, self.now())?;
            let canonical = self.canonical(key)?;
            let (expires_at, waited) = self.settled_expiry(early, ttl).await?;
            let Place { row, deadline } = self.place_to_write(canonical).await?;
            self.shared.increment(&row, deadline.or(waited), delta, expires_at).await
        });
        self.observed_on(Operation::Increment, key, work).await
    }
}

enum Next {
    Done(i64),
    /// Let the platform add.
    Add,
    /// Write back what was read and added.
    WriteBack(IncrementStep),
    Read,
    Ambiguous,
    Refused(Error),
}

impl Shared {
    async fn increment(
        &self,
        row: &RowKey,
        deadline: Option<Instant>,
        delta: i64,
        expires_at: Expiry,
    ) -> Result<i64> {
        let mut attempts = Attempts::until(self, Operation::Increment, deadline);
        let id = WriteId::random();
        let mut judge = Judge {
            delta,
            expires_at,
            id,
            first_sent_at: self.clock.now(),
            in_doubt: false,
            margin: self.policy.evidence_margin(),
        };
        let mut next = Next::Add;
        loop {
            let now = self.clock.now();
            let looked = matches!(next, Next::Read);
            if matches!(next, Next::Add | Next::WriteBack(_)) {
                attempts
                    .check_clock()
                    .map_err(|error| self.give_up(judge.in_doubt, Operation::Increment, error))?;
            }
            let reply = match next {
                Next::Done(result) => {
                    if judge.in_doubt {
                        self.telemetry.lost_reply(Operation::Increment, "applied");
                    }
                    return Ok(result);
                }
                Next::Ambiguous => return Err(self.ambiguous(Operation::Increment, None)),
                Next::Refused(error) => return Err(error),
                Next::Read => {
                    let observed = self.observe(&mut attempts, row, Projection::Full).await;
                    Ok(IncrementReply::Refused(
                        observed
                            .map_err(|error| self.give_up(judge.in_doubt, Operation::Increment, error))?,
                    ))
                }
                Next::Add => attempts.run(self.driver.increment(row, &judge.increment(now), now)).await,
                Next::WriteBack(step) => {
                    let written = attempts.run(self.driver.write(row, &step.write, now)).await;
                    written.map(|reply| match reply {
                        WriteReply::Applied(revision) => {
                            IncrementReply::Applied { result: step.result, revision }
                        }
                        WriteReply::Refused(observed) => IncrementReply::Refused(observed),
                    })
                }
            };
            next = match reply {
                Ok(IncrementReply::Applied { result, .. }) => Next::Done(result),
                Ok(IncrementReply::Refused(observed)) => {
                    let next = judge.next(observed, self.clock.now());
                    let goes_on = !looked && matches!(next, Next::WriteBack(_) | Next::Read);
                    let paused = if goes_on { Box::pin(attempts.conflict()).await } else { Ok(Paused::No) };
                    match paused.map_err(|error| self.give_up(judge.in_doubt, Operation::Increment, error))? {
                        // What was seen before the pause is old.
                        Paused::Yes => Next::Read,
                        Paused::No => next,
                    }
                }
                Err(error) if error.effect == Effect::Unknown => {
                    judge.in_doubt = true;
                    Box::pin(attempts.pause_to_look(&error))
                        .await
                        .map_err(|error| self.give_up(judge.in_doubt, Operation::Increment, error))?;
                    Next::Read
                }
                Err(error) if error.may_be_sent_again() => {
                    Box::pin(attempts.pause(&error))
                        .await
                        .map_err(|error| self.give_up(judge.in_doubt, Operation::Increment, error))?;
                    // What was read before the pause may be old; and a write in doubt may have landed meanwhile.
                    if judge.in_doubt { Next::Read } else { Next::Add }
                }
                Err(error) => {
                    return Err(self.give_up(judge.in_doubt, Operation::Increment, error.into_error()));
                }
            };
        }
    }
}

/// Decides what an observed counter means for an increment.
struct Judge {
    delta: i64,
    expires_at: Expiry,
    id: WriteId,
    first_sent_at: Timestamp,
    /// Whether an attempt went unanswered: it may have been applied, or may still be.
    in_doubt: bool,
    margin: Duration,
}

impl Judge {
    fn increment(&self, now: Timestamp) -> Increment {
        Increment {
            delta: self.delta,
            expires_at: self.expires_at,
            stamp: WriteStamp { id: self.id, at: now },
        }
    }

    fn next(&self, observed: Observed, now: Timestamp) -> Next {
        match observed {
            Observed::NotReturned => Next::Read,
            Observed::Corrupt(_) if self.in_doubt => Next::Ambiguous,
            Observed::Corrupt(reason) => Next::Refused(Error::new(ErrorKind::Corrupt, reason)),
            // Nothing tells whether it was never made, or made by us and removed since.
            Observed::Absent if self.in_doubt => Next::Ambiguous,
            Observed::Absent => self.write_back(None, now),
            Observed::Record(record) => self.next_of_record(*record, now),
        }
    }

    fn next_of_record(&self, record: Record, now: Timestamp) -> Next {
        let counter = record.counter();
        if let Some(result) = counter.as_ref().and_then(|(_, register)| register.result_of(self.id)) {
            return Next::Done(result);
        }
        if self.in_doubt {
            // All writes since the oldest one remembered are remembered, and ours is not among them.
            let oldest = counter.as_ref().and_then(|(_, register)| register.history().first());
            let begins = oldest.map_or(record.stamp.at, |applied| applied.stamp.at);
            if begins.plus(self.margin) >= self.first_sent_at {
                return Next::Ambiguous;
            }
        }
        if record.expires_at.is_past(now) {
            return self.write_back(Some(record), now);
        }
        match counter {
            // The attempt that went unanswered may arrive when the counter is another one.
            _ if self.in_doubt && !self.can_add(counter.as_ref()) => Next::Ambiguous,
            None => Next::Refused(Error::new(
                ErrorKind::InvalidInput,
                "the value is no counter: a counter is decimal text within an i64; put one, or use another key",
            )),
            Some((number, _)) if number.checked_add(self.delta).is_none() => Next::Refused(Error::new(
                ErrorKind::InvalidInput,
                "the sum leaves the range of an i64; the counter is unchanged",
            )),
            Some(_) => self.write_back(Some(record), now),
        }
    }

    fn can_add(&self, counter: Option<&(i64, Register)>) -> bool {
        counter.is_some_and(|(number, _)| number.checked_add(self.delta).is_some())
    }

    fn write_back(&self, current: Option<Record>, now: Timestamp) -> Next {
        match self.increment(now).step(current, now) {
            Ok(step) => Next::WriteBack(step),
            // The record was judged just now, at the same time.
            Err(_) => Next::Refused(Error::new(
                ErrorKind::Internal,
                "a counter changed its meaning between two looks",
            )),
        }
    }
}
