//! Deciding what an observed record means for a write, above all after a lost reply (P4).

use std::time::Duration;

use super::resolve::{End, Intent, NewRevision};
use crate::driver::{Guard, Observed};
use crate::record::{Record, WriteId};
use crate::time::Timestamp;

/// What an observation of the record means for a write.
pub(super) enum Next {
    End(End),
    Again(Guard),
    Read,
    Ambiguous,
    Corrupt(String),
}

/// Decides what an observed record means for a write (P4). The one place where this is decided.
pub(super) struct Judge {
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
    margin: Duration,
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
    pub(super) fn new(
        intent: Intent,
        id: WriteId,
        deletes: bool,
        first_sent_at: Timestamp,
        margin: Duration,
    ) -> Self {
        Self {
            id,
            earlier_ids: Vec::new(),
            intent,
            deletes,
            first_sent_at,
            in_doubt: false,
            resent: Resent::No,
            margin,
        }
    }

    pub(super) fn intent(&self) -> &Intent {
        &self.intent
    }

    pub(super) fn is_in_doubt(&self) -> bool {
        self.in_doubt
    }

    pub(super) fn note_lost_reply(&mut self) {
        self.in_doubt = true;
        self.resent = Resent::No;
    }

    pub(super) fn note_refusal(&mut self, guard: &Guard, observed: &Observed) {
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

    /// The id to send the write with: a new one if an attempt went unanswered, unless the write cannot recur.
    ///
    /// The first attempt may land late, over whatever is there then. Under the id that this call may have returned as a
    /// version by that time, it would make that version hold again, for a touch even with a stranger's value (P2).
    pub(super) fn id_to_send(&mut self) -> WriteId {
        if self.in_doubt && !matches!(self.intent, Intent::Version(_)) {
            self.earlier_ids.push(std::mem::replace(&mut self.id, WriteId::random()));
        }
        self.id
    }

    pub(super) fn next(&self, observed: Observed, now: Timestamp) -> Next {
        match observed {
            Observed::NotReturned => Next::Read,
            Observed::Record(record) if self.is_ours(record.stamp.id) => {
                Next::End(End::Applied(NewRevision::new(Some(record.revision))))
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
            Observed::Absent if self.deletes => Next::End(End::Applied(NewRevision::new(None))),
            Observed::Record(record) if self.deletes && record.expires_at.is_past(now) => {
                Next::End(End::Applied(NewRevision::new(None)))
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
