//! Doing one operation through a handle, and saying in the terms of histories what it was told.

use larder_core::{
    DeleteOutcome, Entry, Error, ErrorKind, Kv, PutOptions, PutOutcome, Result, Seen, Version,
};

use super::history::{Action, Condition, Outcome, Sight, Token, Written};
use super::log::{End, KeyLog};

/// An operation to be done.
pub(super) struct Move {
    pub(super) action: Action,
    pub(super) version: Option<Version>,
    pub(super) look: Look,
}

/// How much a read asks for.
#[derive(Clone, Copy)]
pub(super) enum Look {
    Entry,
    Value,
    Presence,
}

/// Does an operation, and keeps the versions that it shows.
pub(super) async fn perform(kv: &Kv, key: &KeyLog, next: &Move, seen: &mut Vec<Version>) -> End {
    let mut book = Book { key, seen };
    let name = &key.name;
    let bound = |options: PutOptions| match &next.version {
        Some(version) => options.if_version(version.clone()),
        None => options,
    };
    let outcome = match (next.action, &next.version) {
        (Action::Read, _) => return read(kv, &mut book, next.look).await.map_or(End::Void, End::Answered),
        (Action::Put(value, condition), _) => {
            let options = match condition {
                Condition::IfAbsent => PutOptions::new().if_not_exists(),
                Condition::Always | Condition::IfVersion(_) => bound(PutOptions::new()),
            };
            kv.put(name, value.to_text(), options).await.map(|outcome| match outcome {
                PutOutcome::Stored(version) => Outcome::Stored(book.token(version)),
                PutOutcome::ConditionFailed(seen) => Outcome::Refused(book.sight(seen)),
            })
        }
        (Action::Delete(_), Some(version)) => {
            kv.delete_if_version(name, version.clone()).await.map(|outcome| match outcome {
                DeleteOutcome::Deleted => Outcome::Deleted,
                DeleteOutcome::ConditionFailed(seen) => Outcome::Refused(book.sight(seen)),
            })
        }
        (Action::Delete(_), None) => kv.delete(name).await.map(|()| Outcome::Deleted),
        (Action::Add(delta), _) => match kv.increment(name, delta, None).await {
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(Outcome::NoCounter),
            sum => sum.map(Outcome::Sum),
        },
    };
    outcome.map_or_else(|error| failed(&error), End::Answered)
}

/// Every kind of error but one says that the write was not applied and never will be (P4).
fn failed(error: &Error) -> End {
    if error.kind() == ErrorKind::Ambiguous { End::Open } else { End::Void }
}

async fn read(kv: &Kv, book: &mut Book<'_>, look: Look) -> Result<Outcome> {
    let name = &book.key.name;
    let sight = match look {
        Look::Entry => kv.get_entry(name).await?.map(|entry| book.entry(&entry)),
        Look::Value => kv.get(name).await?.map(|value| Sight::Entry(Some(Written::from_bytes(&value)), None)),
        Look::Presence => kv.exists(name).await?.then_some(Sight::Entry(None, None)),
    };
    Ok(Outcome::Saw(sight.unwrap_or(Sight::Absent)))
}

/// Where versions are numbered, and kept for later conditions.
struct Book<'a> {
    key: &'a KeyLog,
    seen: &'a mut Vec<Version>,
}

impl Book<'_> {
    fn token(&mut self, version: Version) -> Token {
        let token = self.key.token(&version);
        self.seen.push(version);
        token
    }

    fn entry(&mut self, entry: &Entry) -> Sight {
        Sight::Entry(Some(Written::from_bytes(entry.value())), Some(self.token(entry.version().clone())))
    }

    fn sight(&mut self, seen: Seen) -> Sight {
        match seen {
            Seen::NotShown => Sight::NotShown,
            Seen::Absent => Sight::Absent,
            Seen::Entry(entry) => self.entry(&entry),
        }
    }
}
