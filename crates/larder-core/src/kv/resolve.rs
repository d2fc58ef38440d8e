//! Carrying a write to a certain end, also when its reply is lost (P4).

use bytes::Bytes;
use tokio::time::Instant;

use super::Shared;
use super::attempts::{Attempts, ClockReading, Paused};
use super::judge::{Judge, Next};
use crate::driver::{
    Consistency, DriverError, Effect, Guard, Mutation, Observed, Projection, Read, RowKey, Write, WriteReply,
};
use crate::error::{Error, ErrorKind, Result};
use crate::key::CanonicalKey;
use crate::operation::Operation;
use crate::record::{Revision, WriteId, WriteStamp};
use crate::time::{Expiry, Timestamp};
use crate::version::Version;

/// A write as its caller means it.
pub(super) struct Change {
    mutation: Mutation,
    intent: Intent,
    id: WriteId,
    /// Set when an attempt of it went unanswered already, as part of a batch: when it was first sent.
    sent_at: Option<Timestamp>,
    /// What a server's clock showed when the times of the batch were made.
    reading: Option<ClockReading>,
    /// When to give up; set for what is part of a larger operation, or has waited already.
    deadline: Option<Instant>,
}

impl Change {
    pub(super) fn put(value: Bytes, expires_at: Expiry, intent: Intent) -> Self {
        Self::new(Mutation::Put { value, expires_at, register: None }, intent)
    }

    pub(super) fn delete(intent: Intent) -> Self {
        Self::new(Mutation::Delete, intent)
    }

    pub(super) fn touch(expires_at: Expiry, intent: Intent) -> Self {
        Self::new(Mutation::Touch { expires_at }, intent)
    }

    /// Gives it a time to be done by; otherwise that is set by its first pause.
    pub(super) fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline;
        self
    }

    fn new(mutation: Mutation, intent: Intent) -> Self {
        Self { mutation, intent, id: WriteId::random(), sent_at: None, reading: None, deadline: None }
    }

    /// An unconditional write that was sent in a batch and got no answer.
    pub(super) fn unanswered(
        write: &Write,
        sent_at: Timestamp,
        reading: ClockReading,
        deadline: Instant,
    ) -> Self {
        Self {
            mutation: write.mutation.clone(),
            intent: Intent::Always,
            id: write.stamp.id,
            sent_at: Some(sent_at),
            reading: Some(reading),
            deadline: Some(deadline),
        }
    }
}

/// The condition of a write.
pub(super) enum Intent {
    Always,
    Absent,
    Live,
    Version(Version),
}

impl Intent {
    pub(super) fn version(version: Version, key: &CanonicalKey) -> Result<Self> {
        version.check_key(key)?;
        Ok(Self::Version(version))
    }

    /// A version whose entry has expired satisfies nothing, and needs no request to say so (P2).
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        matches!(self, Self::Version(version) if version.is_expired(now))
    }

    /// What a read back has to bring: a value only for an outcome that shows it, which a touch without version has not (T5).
    fn projection(&self) -> Projection {
        match self {
            Self::Live => Projection::Meta,
            Self::Always | Self::Absent | Self::Version(_) => Projection::Full,
        }
    }

    pub(super) fn guard(&self) -> Guard {
        match self {
            Self::Always => Guard::Always,
            Self::Absent => Guard::Absent,
            Self::Live => Guard::Live,
            Self::Version(version) => Guard::Revision(version.revision().clone()),
        }
    }
}

/// What became of a write, for certain.
pub(super) enum End {
    Applied(NewRevision),
    ConditionFailed(Observed),
}

/// The revision after a write; a delete leaves none.
pub(super) struct NewRevision(Option<Revision>);

impl NewRevision {
    pub(super) fn new(revision: Option<Revision>) -> Self {
        Self(revision)
    }

    pub(super) fn version(self, row: &RowKey, expires_at: Expiry) -> Result<Version> {
        let revision = self
            .0
            .ok_or_else(|| Error::new(ErrorKind::Ambiguous, "the driver returned no revision for a put"))?;
        Ok(Version::new(&row.key, expires_at, revision))
    }
}

impl Shared {
    /// Carries a write to a certain end, or says that it is `Ambiguous`.
    pub(super) async fn write(&self, operation: Operation, row: &RowKey, change: Change) -> Result<End> {
        let mut attempts = Attempts::until(self, operation, change.deadline).since(change.reading);
        let first_sent_at = change.sent_at.unwrap_or_else(|| self.clock.now());
        let deletes = matches!(change.mutation, Mutation::Delete);
        let mut judge =
            Judge::new(change.intent, change.id, deletes, first_sent_at, self.policy.evidence_margin());
        if change.sent_at.is_some() {
            judge.note_lost_reply();
        }
        let mut next = if judge.is_in_doubt() { Next::Read } else { Next::Again(judge.intent().guard()) };
        loop {
            next = match next {
                Next::End(end) => {
                    if judge.is_in_doubt() {
                        let applied = matches!(end, End::Applied(_));
                        self.telemetry.lost_reply(operation, if applied { "applied" } else { "not_applied" });
                    }
                    return Ok(end);
                }
                Next::Ambiguous => return Err(self.ambiguous(operation, None)),
                Next::Corrupt(reason) => return Err(Error::new(ErrorKind::Corrupt, reason)),
                Next::Read => {
                    let observed = self.observe(&mut attempts, row, judge.intent().projection()).await;
                    let observed =
                        observed.map_err(|error| self.give_up(judge.is_in_doubt(), operation, error))?;
                    judge.next(observed, self.clock.now())
                }
                Next::Again(guard) => {
                    let now = self.clock.now();
                    if !judge.is_in_doubt() && judge.intent().has_expired(now) {
                        return Ok(End::ConditionFailed(Observed::NotReturned));
                    }
                    attempts
                        .check_clock()
                        .map_err(|error| self.give_up(judge.is_in_doubt(), operation, error))?;
                    let stamp = WriteStamp { id: judge.id_to_send(), at: now };
                    let write = Write { mutation: change.mutation.clone(), guard, stamp };
                    match attempts.run(self.driver.write(row, &write, now)).await {
                        Ok(WriteReply::Applied(revision)) => Next::End(End::Applied(NewRevision(revision))),
                        Ok(WriteReply::Refused(observed)) => {
                            judge.note_refusal(&write.guard, &observed);
                            self.after_refusal(&mut attempts, &judge, observed)
                                .await
                                .map_err(|error| self.give_up(judge.is_in_doubt(), operation, error))?
                        }
                        Err(error) => self
                            .after_failure(&mut attempts, &mut judge, error)
                            .await
                            .map_err(|error| self.give_up(judge.is_in_doubt(), operation, error))?,
                    }
                }
            };
        }
    }

    /// Decides how to go on after a guard did not hold, and makes way where others change the record, too.
    async fn after_refusal(
        &self,
        attempts: &mut Attempts<'_>,
        judge: &Judge,
        observed: Observed,
    ) -> Result<Next> {
        let next = judge.next(observed, self.clock.now());
        let goes_on = matches!(next, Next::Again(_) | Next::Read);
        // A guard made from what was seen before a pause would fail again, or hold for what has expired since.
        Ok(if goes_on && Box::pin(attempts.conflict()).await? == Paused::Yes { Next::Read } else { next })
    }

    /// Decides how to go on after an attempt that failed, and pauses before it.
    async fn after_failure(
        &self,
        attempts: &mut Attempts<'_>,
        judge: &mut Judge,
        error: DriverError,
    ) -> Result<Next> {
        if error.effect == Effect::Unknown {
            judge.note_lost_reply();
            Box::pin(attempts.pause_to_look(&error)).await?;
            return Ok(Next::Read);
        }
        if error.may_be_sent_again() {
            Box::pin(attempts.pause(&error)).await?;
            // What was read before the pause may have changed or expired; and a write in doubt may have landed meanwhile.
            return Ok(if judge.is_in_doubt() { Next::Read } else { Next::Again(judge.intent().guard()) });
        }
        Err(error.into_error())
    }

    /// Reads a record back, to learn what a write met.
    pub(super) async fn observe(
        &self,
        attempts: &mut Attempts<'_>,
        row: &RowKey,
        projection: Projection,
    ) -> Result<Observed> {
        let read = Read { projection, consistency: Consistency::Strong };
        match attempts.read(|| self.driver.get(row, read)).await {
            Ok(record) => Ok(record.into()),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                Ok(Observed::Corrupt(error.message().to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// The error of a write that is given up: once an attempt went unanswered, every end but a certain one is
    /// `Ambiguous` (P4).
    pub(super) fn give_up(&self, in_doubt: bool, operation: Operation, error: Error) -> Error {
        if in_doubt { self.ambiguous(operation, Some(error)) } else { error }
    }

    pub(super) fn ambiguous(&self, operation: Operation, source: Option<Error>) -> Error {
        self.telemetry.lost_reply(operation, "ambiguous");
        let error = Error::new(
            ErrorKind::Ambiguous,
            "the reply was lost, and the store does not show whether the write was applied; read the key before \
             writing again",
        );
        match source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}
