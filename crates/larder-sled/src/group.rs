//! A group of writes: worked out against the store, then applied together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use larder_core::Timestamp;
use larder_core::driver::{
    DriverError, Guard, Increment, IncrementReply, Observed, Projection, RowKey, Swept, WriteReply,
};
use larder_core::record::{Record, Revision};
use sled::IVec;

use crate::codec::{Header, decode, touched};
use crate::error::failed;
use crate::expiry;
use crate::store::Store;
use crate::write::{Change, PreparedWrite};

/// The writes of a group so far. Each one sees those before it.
pub(crate) struct Group<'a> {
    store: &'a Store,
    /// In the order of their keys: neighbours share a page of the tree, and one after the other they find it in the
    /// processor's caches.
    staged: BTreeMap<IVec, Staged>,
    /// Hints that lead nowhere.
    stale_hints: Vec<IVec>,
    /// Whether it is to be made durable in the relaxed mode, too.
    flushed: bool,
}

/// A key that the group has read.
struct Staged {
    before: Option<IVec>,
    after: Option<IVec>,
    changed: bool,
}

impl<'a> Group<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, staged: BTreeMap::new(), stale_hints: Vec::new(), flushed: false }
    }

    /// Has everything made durable that was applied so far.
    pub(crate) fn flush(&mut self) {
        self.flushed = true;
    }

    pub(crate) fn is_flushed(&self) -> bool {
        self.flushed
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stale_hints.is_empty() && self.staged.values().all(|staged| !staged.changed)
    }

    /// Works out a write.
    pub(crate) fn write(&mut self, write: PreparedWrite) -> Result<WriteReply, DriverError> {
        let id = write.stamp.id;
        let staged = self.read(&write.key)?;
        let after = match outcome(staged.after.as_ref(), write) {
            Outcome::Refused(observed) => return Ok(WriteReply::Refused(observed)),
            Outcome::Apply(after) => after,
        };
        let revision = after.is_some().then_some(Revision::WriteId(id));
        staged.after = after;
        staged.changed = true;
        Ok(WriteReply::Applied(revision))
    }

    /// Works out several writes, or none of them: an error means the same for all.
    pub(crate) fn write_all(&mut self, writes: Vec<PreparedWrite>) -> Result<Vec<WriteReply>, DriverError> {
        // What can fail is reading, so that all is read before anything is changed.
        for write in &writes {
            self.read(&write.key)?;
        }
        writes.into_iter().map(|write| self.write(write)).collect()
    }

    /// Works out an increment.
    pub(crate) fn increment(
        &mut self,
        key: &RowKey,
        increment: &Increment,
        now: Timestamp,
    ) -> Result<IncrementReply, DriverError> {
        let stored = self.read(&key.key.as_bytes().into())?.after.clone();
        let current = match stored.map(|stored| decode(stored, Projection::Full)).transpose() {
            Ok(current) => current,
            Err(reason) => return Ok(IncrementReply::Refused(Observed::Corrupt(reason))),
        };
        let step = match increment.step(current, now) {
            Ok(step) => step,
            Err(reply) => return Ok(reply),
        };
        Ok(match self.write(PreparedWrite::new(key, &step.write, now))? {
            WriteReply::Applied(revision) => IncrementReply::Applied { result: step.result, revision },
            WriteReply::Refused(observed) => IncrementReply::Refused(observed),
        })
    }

    /// Works out the removal of up to `limit` records that have expired, by their hints.
    pub(crate) fn sweep(&mut self, now: Timestamp, limit: usize) -> Result<Swept, DriverError> {
        let mut swept = Swept::default();
        for (looked_at, hint) in self.store.expiry.range(..expiry::end(now)).keys().enumerate() {
            if looked_at == limit {
                swept.more = true;
                break;
            }
            let hint = hint.map_err(|error| failed(&error))?;
            let Some((expires_at, key)) = expiry::read(&hint) else {
                self.stale_hints.push(hint);
                continue;
            };
            let staged = self.read(&key.into())?;
            let current = staged.after.as_deref().map(Header::read);
            match current {
                // The hint's own record, still there and expired.
                Some(Ok(header)) if header.expires_at == expires_at => {
                    staged.after = None;
                    staged.changed = true;
                    swept.removed += 1;
                }
                // Replaced or removed since: the record has a hint of its own, or needs none.
                _ => self.stale_hints.push(hint.clone()),
            }
        }
        Ok(swept)
    }

    /// Puts raw bytes in a record's place.
    pub(crate) fn plant(&mut self, key: &RowKey, raw: &[u8]) -> Result<(), DriverError> {
        let staged = self.read(&key.key.as_bytes().into())?;
        staged.after = Some(raw.into());
        staged.changed = true;
        Ok(())
    }

    /// What is durable of the keys that the group changes, in their order.
    pub(crate) fn before(&self) -> Vec<(IVec, Option<IVec>)> {
        let changed = self.staged.iter().filter(|(_, staged)| staged.changed);
        changed.map(|(key, staged)| (key.clone(), staged.before.clone())).collect()
    }

    /// Applies the group to the trees: new hints, then records, then old hints.
    pub(crate) fn apply(self) -> sled::Result<()> {
        let Store { data, expiry, .. } = self.store;
        let mut stale_hints = self.stale_hints;
        let changed: Vec<_> = self.staged.into_iter().filter(|(_, staged)| staged.changed).collect();
        // A hint that stays is neither written nor removed.
        let mut old_hints = Vec::new();
        for (key, Staged { before, after, .. }) in &changed {
            let (old, new) = (hint(key, before.as_ref()), hint(key, after.as_ref()));
            // It led nowhere when it was looked at, and now it does.
            stale_hints.retain(|stale| Some(stale) != new.as_ref());
            if old == new {
                continue;
            }
            if let Some(new) = new {
                expiry.insert(new, &[])?;
            }
            old_hints.extend(old);
        }
        for (key, staged) in changed {
            match staged.after {
                Some(record) => data.insert(key, record)?,
                None => data.remove(key)?,
            };
        }
        for old in old_hints {
            expiry.remove(old)?;
        }
        for hint in stale_hints {
            expiry.remove(hint)?;
        }
        Ok(())
    }

    /// A key's record as the group has left it so far.
    fn read(&mut self, key: &IVec) -> Result<&mut Staged, DriverError> {
        match self.staged.entry(key.clone()) {
            Entry::Occupied(staged) => Ok(staged.into_mut()),
            Entry::Vacant(place) => {
                let before = self.store.data.get(key).map_err(|error| failed(&error))?;
                Ok(place.insert(Staged { after: before.clone(), before, changed: false }))
            }
        }
    }
}

/// The hint that a record needs.
fn hint(key: &IVec, record: Option<&IVec>) -> Option<IVec> {
    let header = Header::read(record?).ok()?;
    expiry::hint(header.expires_at, key)
}

enum Outcome {
    Apply(Option<IVec>),
    Refused(Observed),
}

/// What a write makes of a stored record.
fn outcome(stored: Option<&IVec>, write: PreparedWrite) -> Outcome {
    let observed = |stored: Option<&IVec>| match stored.map(|stored| decode(stored.clone(), Projection::Full))
    {
        None => Observed::Absent,
        Some(Ok(record)) => Observed::from(Some::<Record>(record)),
        Some(Err(reason)) => Observed::Corrupt(reason),
    };
    let header = match stored.map(|stored| Header::read(stored)) {
        None => None,
        Some(Ok(header)) => Some(header),
        // Unconditional writes mend what cannot be decoded (E3).
        Some(Err(_)) if write.guard == Guard::Always => None,
        Some(Err(reason)) => return Outcome::Refused(Observed::Corrupt(reason)),
    };
    let is_live = header.as_ref().is_some_and(|header| !header.expires_at.is_past(write.now));
    let holds = match &write.guard {
        Guard::Always => true,
        Guard::Absent => !is_live,
        Guard::Live => is_live,
        Guard::Revision(Revision::WriteId(id)) => {
            header.as_ref().is_some_and(|header| header.stamp.id == *id)
        }
        // A version of another platform.
        Guard::Revision(Revision::Platform(_)) => false,
    };
    if !holds {
        return Outcome::Refused(observed(stored));
    }
    match write.change {
        Change::Delete => Outcome::Apply(None),
        Change::Put(record) => Outcome::Apply(Some(record)),
        Change::Touch(expires_at) => match (stored, header) {
            (Some(stored), Some(_)) => Outcome::Apply(Some(touched(stored, expires_at, write.stamp))),
            _ => Outcome::Refused(observed(stored)),
        },
    }
}
