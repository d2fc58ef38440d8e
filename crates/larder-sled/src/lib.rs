//! Larder on an embedded [sled](https://docs.rs/sled) store.
//!
//! One directory, one process. Writes are acknowledged when they are on disk: a writer thread commits them in groups, each
//! with one flush and one `fdatasync`, and reads never show what is not yet durable (P5). Expired entries are removed by a
//! sweeper whose cost is what has expired, not what is stored.
//!
//! sled 0.34 is sound for this but no longer developed: it keeps deleted space for reuse and does not shrink its file, and
//! holds up to [`SledOptions::cache_bytes`] of pages and about half as much again in memory. A store that has grown too
//! large is copied to a fresh directory.

mod codec;
mod disk;
mod driver;
mod error;
mod expiry;
mod group;
mod lock;
mod options;
mod pending;
mod provision;
mod registry;
mod salvage;
mod snapshots;
mod store;
mod sweeper;
mod ticker;
mod write;
mod writer;

#[cfg(test)]
mod tests;

pub use driver::SledDriver;
pub use options::{Durability, SledOptions};
pub use provision::SledProvisioner;
pub use salvage::{Salvaged, salvage};
