//! Writing one entry, and finding out what became of a write whose reply was lost (P1 to P4).

use std::pin::pin;

use bytes::Bytes;
use tokio::time::Instant;

use super::attempts::{Attempts, Paused};
use super::read::entry;
use super::{Kv, Shared};
use crate::driver::{
    Consistency, DriverError, Effect, Guard, Mutation, Observed, Projection, Read, RowKey, Write, WriteReply,
};
use crate::error::{Error, ErrorKind, Result};
use crate::key::CanonicalKey;
use crate::operation::Operation;
use crate::options::{Condition, PutOptions, TouchOptions, expiry};
use crate::outcome::{DeleteOutcome, PutOutcome, Seen, TouchOutcome};
use crate::record::{Record, Revision, WriteId, WriteStamp};
use crate::time::{Expiry, Timestamp};
use crate::value::Value;
use crate::version::Version;

impl Kv {
    /// Stores a value of up to 24,576 bytes.
    ///
    /// Without a TTL the entry stays, also over one that had a TTL (T7). With a condition that does not hold nothing
    /// changes, and the outcome says so (P1). One request, plus at most two where a condition meets an expired entry that
    /// the platform still shows.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions};
    /// # use std::time::Duration;
    /// # let kv = Kv::new(MemoryDriver::new());
    /// let lock = PutOptions::new().ttl(Duration::from_secs(30)).if_not_exists();
    /// assert!(kv.put("lock:report", "worker-1", lock.clone()).await?.is_stored());
    /// assert!(!kv.put("lock:report", "worker-2", lock).await?.is_stored());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a key, value, TTL or version out of bounds, before any I/O. `Ambiguous` when the reply was lost
    /// and the store does not show whether the write was applied; with every other kind it was not, and never will be
    /// (P4). `Corrupt` when the condition meets a record that cannot be decoded.
    pub async fn put(
        &self,
        key: impl AsRef<str>,
        value: impl Into<Value>,
        options: PutOptions,
    ) -> Result<PutOutcome> {
        let key = key.as_ref();
        let value = value.into();
        let work = pin!(async {
            let value = value.checked()?;
            let expires_at = expiry(options.ttl, self.now())?;
            let canonical = self.canonical(key)?;
            let intent = match options.condition {
                Condition::Always => Intent::Always,
                Condition::IfAbsent => Intent::Absent,
                Condition::IfVersion(version) => Intent::version(version, &canonical)?,
            };
            if intent.has_expired(self.now()) {
                return Ok(PutOutcome::ConditionFailed(Seen::NotShown));
            }
            let row = self.row_to_write(canonical).await?;
            let change = Change::put(value, expires_at, intent);
            Ok(match self.shared.write(Operation::Put, &row, change).await? {
                End::Applied(revision) => PutOutcome::Stored(revision.version(&row, expires_at)?),
                End::ConditionFailed(observed) => PutOutcome::ConditionFailed(self.seen(key, &row, observed)),
            })
        });
        self.observed_on(Operation::Put, key, work).await
    }

    /// Makes the key absent. It succeeds also when the key was absent already (P2).
    ///
    /// # Errors
    ///
    /// As [`Kv::put`]; a record that cannot be decoded is removed (E3).
    pub async fn delete(&self, key: impl AsRef<str>) -> Result<()> {
        let key = key.as_ref();
        let work = pin!(async {
            let row = self.row_to_write(self.canonical(key)?).await?;
            self.shared.write(Operation::Delete, &row, Change::delete(Intent::Always)).await?;
            Ok(())
        });
        self.observed_on(Operation::Delete, key, work).await
    }

    /// Removes the entry if it still has this version (P2).
    ///
    /// # Errors
    ///
    /// As [`Kv::put`]. A delete leaves nothing behind that would tell whose it was: when its reply is lost and the key
    /// is absent, the error is `Ambiguous`.
    pub async fn delete_if_version(&self, key: impl AsRef<str>, version: Version) -> Result<DeleteOutcome> {
        let key = key.as_ref();
        let work = pin!(async {
            let canonical = self.canonical(key)?;
            let intent = Intent::version(version, &canonical)?;
            if intent.has_expired(self.now()) {
                return Ok(DeleteOutcome::ConditionFailed(Seen::NotShown));
            }
            let row = self.row_to_write(canonical).await?;
            let change = Change::delete(intent);
            Ok(match self.shared.write(Operation::Delete, &row, change).await? {
                End::Applied(_) => DeleteOutcome::Deleted,
                End::ConditionFailed(observed) => {
                    DeleteOutcome::ConditionFailed(self.seen(key, &row, observed))
                }
            })
        });
        self.observed_on(Operation::Delete, key, work).await
    }

    /// Gives an entry a new lifetime, or lets it stay (T5). The value is not sent again where the platform can avoid it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, TouchOptions};
    /// # use std::time::Duration;
    /// # let kv = Kv::new(MemoryDriver::new());
    /// let outcome = kv.touch("session:1", TouchOptions::expire_after(Duration::from_secs(1800))).await?;
    /// assert!(!outcome.is_touched(), "there is no such session");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Kv::put`].
    pub async fn touch(&self, key: impl AsRef<str>, options: TouchOptions) -> Result<TouchOutcome> {
        let key = key.as_ref();
        let work = pin!(async {
            let expires_at = expiry(options.ttl, self.now())?;
            let canonical = self.canonical(key)?;
            let intent = match options.version {
                None => Intent::Live,
                Some(version) => Intent::version(version, &canonical)?,
            };
            if intent.has_expired(self.now()) {
                return Ok(TouchOutcome::ConditionFailed(Seen::NotShown));
            }
            let row = self.row_to_write(canonical).await?;
            let change = Change::touch(expires_at, intent);
            Ok(match self.shared.write(Operation::Touch, &row, change).await? {
                End::Applied(revision) => TouchOutcome::Touched(revision.version(&row, expires_at)?),
                End::ConditionFailed(observed) => match self.seen(key, &row, observed) {
                    Seen::Absent => TouchOutcome::Absent,
                    seen => TouchOutcome::ConditionFailed(seen),
                },
            })
        });
        self.observed_on(Operation::Touch, key, work).await
    }

    fn seen(&self, key: &str, row: &RowKey, observed: Observed) -> Seen {
        let now = self.now();
        match observed {
            Observed::Record(record) if !record.expires_at.is_past(now) => {
                Seen::Entry(entry(key.to_owned(), row, *record, now))
            }
            Observed::Record(_) | Observed::Absent => Seen::Absent,
            Observed::Corrupt(_) | Observed::NotReturned => Seen::NotShown,
        }
    }
}

/// A write as its caller means it.
pub(super) struct Change {
    mutation: Mutation,
    intent: Intent,
    id: WriteId,
    /// Set when an attempt of it went unanswered already, as part of a batch: when it was first sent.
    sent_at: Option<Timestamp>,
    /// When to give up; set for what is part of a larger operation.
    deadline: Option<Instant>,
}

impl Change {
    pub(super) fn put(value: Bytes, expires_at: Expiry, intent: Intent) -> Self {
        Self::new(Mutation::Put { value, expires_at, register: None }, intent)
    }

    pub(super) fn delete(intent: Intent) -> Self {
        Self::new(Mutation::Delete, intent)
    }

    fn touch(expires_at: Expiry, intent: Intent) -> Self {
        Self::new(Mutation::Touch { expires_at }, intent)
    }

    fn new(mutation: Mutation, intent: Intent) -> Self {
        Self { mutation, intent, id: WriteId::random(), sent_at: None, deadline: None }
    }

    /// An unconditional write that was sent in a batch and got no answer.
    pub(super) fn unanswered(write: &Write, sent_at: Timestamp, deadline: Instant) -> Self {
        Self {
            mutation: write.mutation.clone(),
            intent: Intent::Always,
            id: write.stamp.id,
            sent_at: Some(sent_at),
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
    fn version(version: Version, key: &CanonicalKey) -> Result<Self> {
        version.check_key(key)?;
        Ok(Self::Version(version))
    }

    /// A version whose entry has expired satisfies nothing, and needs no request to say so (P2).
    fn has_expired(&self, now: Timestamp) -> bool {
        matches!(self, Self::Version(version) if version.is_expired(now))
    }

    fn guard(&self) -> Guard {
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

/// What an observation of the record means for a write.
enum Next {
    End(End),
    Again(Guard),
    Read,
    Ambiguous,
    Corrupt(String),
}

impl Shared {
    /// Carries a write to a certain end, or says that it is `Ambiguous`.
    pub(super) async fn write(&self, operation: Operation, row: &RowKey, change: Change) -> Result<End> {
        let mut attempts = Attempts::until(self, operation, change.deadline);
        let mut judge = Judge {
            id: change.id,
            earlier_ids: Vec::new(),
            deletes: matches!(change.mutation, Mutation::Delete),
            first_sent_at: change.sent_at.unwrap_or_else(|| self.clock.now()),
            in_doubt: change.sent_at.is_some(),
            resent: Resent::No,
            margin: self.policy.evidence_margin(),
            intent: change.intent,
        };
        let mut next = if judge.in_doubt { Next::Read } else { Next::Again(judge.intent.guard()) };
        loop {
            next = match next {
                Next::End(end) => {
                    if judge.in_doubt {
                        let applied = matches!(end, End::Applied(_));
                        self.telemetry.lost_reply(operation, if applied { "applied" } else { "not_applied" });
                    }
                    return Ok(end);
                }
                Next::Ambiguous => return Err(self.ambiguous(operation, None)),
                Next::Corrupt(reason) => return Err(Error::new(ErrorKind::Corrupt, reason)),
                Next::Read => {
                    let observed = self.observe(&mut attempts, row).await;
                    let observed = observed.map_err(|error| self.give_up(&judge, operation, error))?;
                    judge.next(observed, self.clock.now())
                }
                Next::Again(guard) => {
                    let now = self.clock.now();
                    if !judge.in_doubt && judge.intent.has_expired(now) {
                        return Ok(End::ConditionFailed(Observed::NotReturned));
                    }
                    judge.prepare_to_send_again();
                    let stamp = WriteStamp { id: judge.id, at: now };
                    let write = Write { mutation: change.mutation.clone(), guard, stamp };
                    match attempts.run(self.driver.write(row, &write, now)).await {
                        Ok(WriteReply::Applied(revision)) => Next::End(End::Applied(NewRevision(revision))),
                        Ok(WriteReply::Refused(observed)) => {
                            judge.note_refusal(&write.guard, &observed);
                            self.after_refusal(&mut attempts, &judge, observed)
                                .await
                                .map_err(|error| self.give_up(&judge, operation, error))?
                        }
                        Err(error) => self
                            .after_failure(&mut attempts, &mut judge, error)
                            .await
                            .map_err(|error| self.give_up(&judge, operation, error))?,
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
            judge.in_doubt = true;
            judge.resent = Resent::No;
            Box::pin(attempts.pause_to_look(&error)).await?;
            return Ok(Next::Read);
        }
        if error.may_be_sent_again() {
            Box::pin(attempts.pause(&error)).await?;
            // What was read before the pause may have changed or expired; and a write in doubt may have landed meanwhile.
            return Ok(if judge.in_doubt { Next::Read } else { Next::Again(judge.intent.guard()) });
        }
        Err(error.into_error())
    }

    /// Reads a record back, to learn what a write met.
    pub(super) async fn observe(&self, attempts: &mut Attempts<'_>, row: &RowKey) -> Result<Observed> {
        let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
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
    fn give_up(&self, judge: &Judge, operation: Operation, error: Error) -> Error {
        if judge.in_doubt { self.ambiguous(operation, Some(error)) } else { error }
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

/// Decides what an observed record means for a write (P4). The one place where this is decided.
struct Judge {
    id: WriteId,
    /// Ids under which this write was sent before.
    earlier_ids: Vec<WriteId>,
    intent: Intent,
    deletes: bool,
    first_sent_at: Timestamp,
    /// Whether an attempt went unanswered: it may have been applied, or may still be.
    in_doubt: bool,
    /// What came of sending the write again since then.
    resent: Resent,
    /// How much older than the first attempt a record's stamp must be to prove that the record was there before.
    margin: std::time::Duration,
}

/// What came of sending a write again after an attempt of it went unanswered.
///
/// A refusal tells more than a read: a store that works in order has worked off the unanswered attempt before it, while a
/// read may show a state from before both.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resent {
    No,
    /// The platform cannot express the guard, so that nothing was sent.
    NotSent,
    Refused,
}

impl Judge {
    fn note_refusal(&mut self, guard: &Guard, observed: &Observed) {
        let was_sent = *guard != Guard::Live || *observed != Observed::NotReturned;
        self.resent = match (self.in_doubt, was_sent) {
            (false, _) => Resent::No,
            (true, true) => Resent::Refused,
            (true, false) => Resent::NotSent,
        };
    }
    fn is_ours(&self, id: WriteId) -> bool {
        id == self.id || self.earlier_ids.contains(&id)
    }

    /// Takes a new id for a write that is sent again after it went unanswered, unless it cannot recur.
    ///
    /// The first attempt may land late, over whatever is there then. Under the id that this call may have returned as a
    /// version by that time, it would make that version hold again, for a touch even with a stranger's value (P2).
    fn prepare_to_send_again(&mut self) {
        if self.in_doubt && !matches!(self.intent, Intent::Version(_)) {
            self.earlier_ids.push(std::mem::replace(&mut self.id, WriteId::random()));
        }
    }

    fn next(&self, observed: Observed, now: Timestamp) -> Next {
        match observed {
            Observed::NotReturned => Next::Read,
            Observed::Record(record) if self.is_ours(record.stamp.id) => {
                Next::End(End::Applied(NewRevision(Some(record.revision))))
            }
            observed if self.in_doubt => self.next_in_doubt(observed, now),
            observed => self.next_certain(observed, now),
        }
    }

    /// No attempt went unanswered: what is there is not ours, and ours was not applied.
    fn next_certain(&self, observed: Observed, now: Timestamp) -> Next {
        match (&self.intent, observed) {
            (Intent::Always, Observed::Corrupt(_)) => Next::Again(Guard::Always),
            (_, Observed::Corrupt(reason)) => Next::Corrupt(reason),
            (Intent::Always, _) => Next::Again(Guard::Always),
            (Intent::Absent, Observed::Record(record)) if record.expires_at.is_past(now) => {
                Next::Again(Guard::Revision(record.revision))
            }
            (Intent::Absent, Observed::Absent) => Next::Again(Guard::Absent),
            (Intent::Live, Observed::Record(record)) if !record.expires_at.is_past(now) => {
                Next::Again(Guard::Revision(record.revision))
            }
            (Intent::Version(version), Observed::Record(record))
                if record.revision == *version.revision() && !record.expires_at.is_past(now) =>
            {
                Next::Again(self.intent.guard())
            }
            (_, observed) => Next::End(End::ConditionFailed(observed)),
        }
    }

    /// An attempt went unanswered, and what is there is not ours: it was there before us, or came over ours.
    fn next_in_doubt(&self, observed: Observed, now: Timestamp) -> Next {
        let before = matches!(&observed, Observed::Record(record) if self.was_before(record));
        match (&self.intent, observed) {
            // Unconditional writes mend what cannot be decoded.
            (Intent::Always, Observed::Corrupt(_)) => Next::Again(Guard::Always),
            (Intent::Always, observed) => self.next_unconditional(observed, before, now),
            // A late duplicate may land, with its original expiry: the contract says so.
            (Intent::Absent, Observed::Absent) => Next::Again(Guard::Absent),
            (Intent::Absent, Observed::Record(record)) if before && record.expires_at.is_past(now) => {
                Next::Again(Guard::Revision(record.revision))
            }
            (Intent::Live, Observed::Record(record)) if before && !record.expires_at.is_past(now) => {
                Next::Again(Guard::Revision(record.revision))
            }
            (Intent::Version(version), Observed::Record(record))
                if record.revision == *version.revision() =>
            {
                // Still the state that the write is meant for, so that no attempt was applied. One may yet be, unless the
                // same condition is sent again: only one of them can hold. An expired one is nobody's to replace.
                if record.expires_at.is_past(now) {
                    Next::Ambiguous
                } else {
                    Next::Again(self.intent.guard())
                }
            }
            (_, observed @ Observed::Record(_)) if before => match self.resent {
                Resent::No => Next::Again(self.intent.guard()),
                Resent::Refused => Next::End(End::ConditionFailed(observed)),
                // A touch that lands late could revive what has expired.
                Resent::NotSent => Next::Ambiguous,
            },
            _ => Next::Ambiguous,
        }
    }

    fn next_unconditional(&self, observed: Observed, before: bool, now: Timestamp) -> Next {
        match observed {
            Observed::Absent if self.deletes => Next::End(End::Applied(NewRevision(None))),
            Observed::Record(record) if self.deletes && record.expires_at.is_past(now) => {
                Next::End(End::Applied(NewRevision(None)))
            }
            Observed::Absent => Next::Again(Guard::Absent),
            // Sent again over exactly what was there before it, so that nobody's later write is lost.
            Observed::Record(record) if before => Next::Again(Guard::Revision(record.revision)),
            _ => Next::Ambiguous,
        }
    }

    fn was_before(&self, record: &Record) -> bool {
        record.is_certainly_before(self.first_sent_at, self.margin)
    }
}
