//! What a store does, written a second time: a map, the time, and nothing else.
//!
//! It follows the contract and not the code. [`crate::cases`] plays random operations on a store and on this model, and
//! compares every answer.

use std::collections::BTreeMap;

use crate::support::canonical;

/// The state of a store, or of a namespace in one.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// By canonical key. An expired entry stays until something replaces it; nothing looks at it.
    entries: BTreeMap<String, Entry>,
    now: u64,
    writes: u64,
}

/// An entry of the model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// When it ends, in milliseconds; `None` for never.
    pub ends: Option<u64>,
    /// The number of the write that made it: its version.
    pub write: u64,
}

/// The condition of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// None.
    Always,
    /// There is no entry.
    Absent,
    /// There is an entry.
    Live,
    /// The entry was made by this write.
    Write(u64),
}

/// Why an increment is an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoCounter;

impl Model {
    /// Moves the time forward.
    pub fn advance(&mut self, millis: u64) {
        self.now += millis;
    }

    /// The milliseconds that an entry still lives.
    pub fn remaining(&self, entry: &Entry) -> Option<u64> {
        entry.ends.map(|ends| ends - self.now)
    }

    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.get(&canonical(key)).filter(|entry| self.is_live(entry))
    }

    /// The entries under a prefix, in order.
    pub fn scan(&self, prefix: &str) -> Vec<&Entry> {
        self.entries.values().filter(|entry| entry.key.starts_with(prefix) && self.is_live(entry)).collect()
    }

    /// Puts, and returns the write's number; `None` when the condition does not hold.
    pub fn put(&mut self, key: &str, value: &[u8], ttl: Option<u64>, condition: Condition) -> Option<u64> {
        self.holds(key, condition).then(|| self.store(key, value.to_vec(), ttl.map(|ttl| self.now + ttl)))
    }

    /// Gives an entry another lifetime, and returns the write's number.
    pub fn touch(&mut self, key: &str, ttl: Option<u64>, condition: Condition) -> Option<u64> {
        let value = self.get(key)?.value.clone();
        self.holds(key, condition).then(|| self.store(key, value, ttl.map(|ttl| self.now + ttl)))
    }

    /// Deletes, and returns whether the condition held.
    pub fn delete(&mut self, key: &str, condition: Condition) -> bool {
        let holds = self.holds(key, condition);
        if holds {
            self.entries.remove(&canonical(key));
        }
        holds
    }

    /// Adds, and returns the sum and the write's number.
    ///
    /// # Errors
    ///
    /// When the value is no number, or the sum would be none.
    pub fn increment(&mut self, key: &str, delta: i64, ttl: Option<u64>) -> Result<(i64, u64), NoCounter> {
        let (number, ends) = match self.get(key) {
            None => (0, ttl.map(|ttl| self.now + ttl)),
            Some(entry) => (number(&entry.value).ok_or(NoCounter)?, entry.ends),
        };
        let sum = number.checked_add(delta).ok_or(NoCounter)?;
        Ok((sum, self.store(key, sum.to_string().into_bytes(), ends)))
    }

    fn store(&mut self, key: &str, value: Vec<u8>, ends: Option<u64>) -> u64 {
        self.writes += 1;
        let entry = Entry { key: key.to_owned(), value, ends, write: self.writes };
        self.entries.insert(canonical(key), entry);
        self.writes
    }

    fn holds(&self, key: &str, condition: Condition) -> bool {
        let entry = self.get(key);
        match condition {
            Condition::Always => true,
            Condition::Absent => entry.is_none(),
            Condition::Live => entry.is_some(),
            Condition::Write(write) => entry.is_some_and(|entry| entry.write == write),
        }
    }

    fn is_live(&self, entry: &Entry) -> bool {
        entry.ends.is_none_or(|ends| self.now < ends)
    }
}

/// `-?(0|[1-9][0-9]*)`, within an `i64`.
fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    (text == number.to_string() || text == "-0").then_some(number)
}
