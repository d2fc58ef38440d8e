//! Which reads are answered on JavaScript's thread.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::traffic::Traffic;

/// As much is taken to be in memory, twice: of the 64 MiB that an embedded store caches, entries that nobody reads take
/// their part, being on the same pages.
const GENERATION_BYTES: u64 = 16 * 1024 * 1024;
/// Memory answers sooner, whatever else the machine does.
const SLOW: Duration = Duration::from_millis(1);
/// How many reads go to other threads after a slow one.
const DETOURS: u32 = 16;

/// The keys whose entries a store has in memory, as far as can be known: those that were read a short while ago.
///
/// An embedded store reads what it does not have in memory from a disk, which takes as long as it takes, and it does not say
/// beforehand which of the two it will be. JavaScript's thread must not wait for a disk. So a key is read on another thread
/// first, and on JavaScript's only as long as it is not likely to have been forgotten: until so much has gone through the
/// store behind it.
#[derive(Debug)]
pub(crate) struct Recent {
    hasher: RandomState,
    traffic: Arc<Traffic>,
    keys: Mutex<Keys>,
}

#[derive(Debug, Default)]
struct Keys {
    /// By their hashes: that of another key costs a read of a disk at worst.
    young: HashSet<u64>,
    /// Those before the young ones.
    old: HashSet<u64>,
    /// What had gone through the store when the first of the young ones was read.
    began: u64,
    detours: u32,
}

/// A key that is about to be read.
#[derive(Debug)]
pub(crate) struct Reading {
    recent: Arc<Recent>,
    hash: u64,
}

impl Reading {
    pub(crate) fn of(recent: &Arc<Recent>, key: &str) -> Self {
        Self { recent: Arc::clone(recent), hash: recent.hasher.hash_one(key) }
    }

    /// Whether it can be read where nobody may wait, also not for the keys: whoever has them may have lost its core.
    pub(crate) fn is_at_hand(&self) -> bool {
        let Some(mut keys) = self.recent.keys_if_free() else { return false };
        if keys.detours > 0 {
            keys.detours -= 1;
            return false;
        }
        keys.young.contains(&self.hash) || keys.old.contains(&self.hash)
    }

    /// It was read on another thread, without waiting for anything but a disk; how long its value is, where that is known.
    pub(crate) fn was_read(&self, value_bytes: Option<usize>) {
        if !self.recent.keys().young.insert(self.hash) {
            return;
        }
        match value_bytes {
            Some(bytes) => self.recent.traffic.entry(bytes),
            None => self.recent.traffic.entry_of_any_length(),
        }
    }

    /// It was read on JavaScript's thread. What took long was not in memory after all, and the next may not be either.
    pub(crate) fn took(&self, time: Duration) {
        if time > SLOW {
            self.recent.keys().detours = DETOURS;
        }
    }
}

impl Recent {
    /// No keys yet, of a store with this traffic.
    pub(crate) fn new(traffic: Arc<Traffic>) -> Self {
        let keys = Mutex::new(Keys { began: traffic.bytes(), ..Keys::default() });
        Self { hasher: RandomState::new(), traffic, keys }
    }

    /// Those that are left by now.
    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.aged(self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, unless somebody has them.
    fn keys_if_free(&self) -> Option<MutexGuard<'_, Keys>> {
        match self.keys.try_lock() {
            Ok(keys) => Some(self.aged(keys)),
            Err(TryLockError::Poisoned(poisoned)) => Some(self.aged(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn aged<'a>(&self, mut keys: MutexGuard<'a, Keys>) -> MutexGuard<'a, Keys> {
        keys.age(self.traffic.bytes());
        keys
    }
}

impl Keys {
    fn age(&mut self, bytes: u64) {
        // None where another thread has seen more already.
        let passed = bytes.saturating_sub(self.began);
        if passed > 2 * GENERATION_BYTES {
            *self = Self { began: bytes, detours: self.detours, ..Self::default() };
        } else if passed > GENERATION_BYTES {
            self.old = take(&mut self.young);
            self.began += GENERATION_BYTES;
        }
    }
}
