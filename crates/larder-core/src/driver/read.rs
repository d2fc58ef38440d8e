//! Where records live, and how they are read.

use super::error::DriverError;
use crate::key::CanonicalKey;
use crate::time::Timestamp;

/// Where a record lives: a shard, and the canonical key in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowKey {
    /// The shard.
    pub shard: Shard,
    /// The key.
    pub key: CanonicalKey,
}

/// One of the partitions that a store spreads its keys over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Shard(pub u16);

impl Shard {
    /// Where all records of Larder's own live, so that the layout can be found before the shard count is known.
    pub const SYSTEM: Self = Self(u16::MAX);
}

/// How to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Read {
    /// Which parts.
    pub projection: Projection,
    /// How fresh.
    pub consistency: Consistency,
}

/// Which parts of a record a read is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Projection {
    /// All of it.
    Full,
    /// All but the value and the register, which need not be transferred (G2, S4).
    Meta,
}

/// How fresh a read must be (G1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Consistency {
    /// It sees every write that was acknowledged before it began, by any process.
    #[default]
    Strong,
    /// It may miss the latest writes; cheaper on some platforms.
    Eventual,
}

/// One position of a batch.
#[derive(Debug)]
pub enum BatchItem<T> {
    /// The platform answered for it.
    Done(Result<T, DriverError>),
    /// The platform left it undone, to be sent again after a pause.
    Unprocessed,
}

/// What a sweep did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// How many expired records were removed.
    pub removed: usize,
    /// Whether there may be more to remove now.
    pub more: bool,
}

/// What a store says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// The time by the store's own clock; `None` where it runs by this process's.
    pub server_time: Option<Timestamp>,
}
