//! How much goes through each store's cache.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

/// What an entry takes beside its value.
const ENTRY_BYTES: usize = 256;
/// The longest value (V1).
const LONGEST_BYTES: usize = 24_576;

/// Of each store that this process has open, by its description.
static STORES: LazyLock<Mutex<HashMap<String, Weak<Traffic>>>> = LazyLock::new(Mutex::default);

/// The bytes that this process has read from a store and written to it, by all its handles: an embedded store keeps what
/// went through it last in memory, whoever it was for, and drops something else for it.
#[derive(Debug, Default)]
pub(crate) struct Traffic(AtomicU64);

impl Traffic {
    /// That of a store.
    pub(crate) fn of(store: &str) -> Arc<Self> {
        let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(traffic) = stores.get(store).and_then(Weak::upgrade) {
            return traffic;
        }
        stores.retain(|_, traffic| traffic.strong_count() > 0);
        let traffic = Arc::default();
        stores.insert(store.to_owned(), Arc::downgrade(&traffic));
        traffic
    }

    /// An entry was read or written, or was found not to be there.
    pub(crate) fn entry(&self, value_bytes: usize) {
        let bytes = u64::try_from(ENTRY_BYTES + value_bytes).unwrap_or(u64::MAX);
        // A count, by which nothing else is known.
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// An entry was read whose value was not asked for: the store has read it with the rest, and does not tell its length.
    pub(crate) fn entry_of_any_length(&self) {
        self.entry(LONGEST_BYTES);
    }

    /// All so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
