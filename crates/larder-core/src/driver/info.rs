//! What the handle must know about a platform.

use std::sync::Arc;

/// What the handle must know about a driver's platform.
#[derive(Clone, Debug)]
pub struct DriverInfo {
    /// The platform, as OpenTelemetry's `db.system.name`.
    pub system: &'static str,
    /// The table, collection or directory, for people and spans. Never holds a secret.
    pub store: Arc<str>,
    /// The number of shards that a new store gets (L1).
    pub default_shards: u16,
    /// Who keeps the layout record.
    pub layout: LayoutKeeper,
    /// What a batch may hold.
    pub batch: BatchLimits,
    /// The entries of a page that a stream reads at once, 1 to 1,000: many where a request costs, fewer where it does not.
    pub stream_page: usize,
    /// Who removes expired records.
    pub reaper: Reaper,
}

/// Who keeps the layout record (L1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LayoutKeeper {
    /// The store itself, under a name that begins with `!`; the handle reads and writes it.
    Store,
    /// A server between the handle and the store; to the handle it is one shard, and its own records are out of reach.
    Server,
}

/// Who removes expired records from the store (T3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaper {
    /// The platform, some time after the expiry. A sweep has nothing to do.
    Platform,
    /// The driver, by itself and when asked; no other process can open the store.
    Embedded,
    /// Whoever calls `sweep`, under a lease in the store, since many processes share it.
    Leased,
}

/// What one batch request may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BatchLimits {
    /// Keys in a `get_batch`.
    pub reads: usize,
    /// Records in a `write_batch`.
    pub writes: usize,
    /// Bytes of values and keys in a `write_batch`.
    pub write_bytes: usize,
    /// The most puts of one shard that the platform takes in a request of its own; `None` where shards do not matter.
    ///
    /// The handle divides a batch of puts between such groups alone. As many of the largest records have to fit in `writes`
    /// and `write_bytes`.
    pub group: Option<usize>,
}
