//! The keys and values that both sides use.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) const VALUE_BYTES: usize = 1_024;
/// How many keys an operation on many keys has.
pub(super) const MANY: usize = 100;
/// How long what is put lives.
pub(super) const TTL: Duration = Duration::from_secs(3_600);

/// The key of a task's turn.
pub(super) fn key(task: usize, turn: usize) -> String {
    format!("user:{task:03}:{turn:06}")
}

/// The first of the keys.
pub(super) fn keys(task: usize, count: usize) -> Vec<String> {
    (0..count).map(|turn| key(task, turn)).collect()
}

/// What all keys of a task begin with.
pub(super) fn prefix(task: usize) -> String {
    format!("user:{task:03}:")
}

pub(super) fn value(turn: usize) -> Vec<u8> {
    let mut value = vec![b'x'; VALUE_BYTES];
    value[..8].copy_from_slice(&turn.to_be_bytes());
    value
}

/// The time, in milliseconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// When what is put now is gone.
pub(super) fn expiry(now: u64) -> u64 {
    now + u64::try_from(TTL.as_millis()).unwrap_or(u64::MAX)
}
