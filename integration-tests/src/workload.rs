//! What the crash tests write: every step follows from its number, so that a test knows what a killed program was doing.

use std::time::Duration;

/// How many keys each task writes to, the same in every round.
const KEYS: u64 = 24;
/// How many counters all tasks share.
const COUNTERS: u64 = 3;
/// How long an entry lives that has a lifetime: longer than any test.
pub const TTL: Duration = Duration::from_secs(3_600);

/// One write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Stores a value, with or without a lifetime.
    Put {
        /// The key; no other task writes to it.
        key: String,
        /// The value.
        value: Vec<u8>,
        /// Its lifetime.
        ttl: Option<Duration>,
    },
    /// Deletes a key.
    Delete {
        /// The key; no other task writes to it.
        key: String,
    },
    /// Adds one.
    Count {
        /// The counter; every task adds to it.
        counter: String,
    },
}

/// The step of a task with that number, in a round.
pub fn step(round: u64, task: u64, number: u64) -> Step {
    let seed = mixed(mixed(mixed(round) ^ task) ^ number);
    let key = format!("task-{task}:{}", seed % KEYS);
    match seed >> 32 & 0xf {
        0..=2 => Step::Delete { key },
        3..=4 => Step::Count { counter: format!("counter:{}", seed % COUNTERS) },
        5..=7 => Step::Put { key, value: value(seed), ttl: Some(TTL) },
        _ => Step::Put { key, value: value(seed), ttl: None },
    }
}

/// A value of 0 to 24,576 bytes, more often a short one.
fn value(seed: u64) -> Vec<u8> {
    let length = match seed >> 40 & 0x7 {
        0 => 0,
        1 => larder::MAX_VALUE_BYTES,
        2..=3 => (seed >> 44) as usize % larder::MAX_VALUE_BYTES,
        _ => (seed >> 44) as usize % 256,
    };
    bytes(seed, length)
}

/// Bytes that no two seeds share and no compression shortens.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    (0..).flat_map(|word| mixed(seed ^ mixed(word)).to_be_bytes()).take(length).collect()
}

/// SplitMix64's mixing of a number.
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
