//! The key-value handle, the driver trait, and the semantics that every Larder backend shares.
//!
//! Services use [`Kv`], which they get from the `larder` crate's bindings. Backends implement [`driver::Driver`] and are
//! proven by `larder-conformance`. The semantics are the numbered clauses of `docs/contract.md`.

pub mod driver;
pub mod hash;
pub mod provision;
pub mod record;
pub mod telemetry;

mod cursor;
mod entry;
mod error;
mod key;
mod kv;
mod layout;
mod memory;
mod merge;
mod namespace;
mod one_shard;
mod operation;
mod options;
mod outcome;
mod retry;
mod server_url;
mod time;
mod value;
#[cfg(test)]
mod vectors;
mod version;

pub use cursor::Cursor;
pub use driver::Consistency;
pub use entry::{Entry, EntryInfo, Page};
pub use error::{Error, ErrorKind, Result};
pub use key::{AFTER_EVERY_KEY, BEFORE_EVERY_KEY, CanonicalKey, MAX_KEY_BYTES, SYSTEM_MARK, key_order};
pub use kv::{Kv, KvBuilder, ScanStream};
pub use layout::{LAYOUT_RECORD, LAYOUT_VERSION, Layout};
pub use memory::MemoryDriver;
pub use namespace::{MAX_ID_CHARS, check_resource_id};
pub use one_shard::OneShard;
pub use operation::Operation;
pub use options::{Condition, MAX_PAGE_BYTES, MAX_PAGE_LIMIT, PutOptions, ScanOptions, TouchOptions};
pub use outcome::{CheckReport, DeleteOutcome, PutOutcome, Seen, SweepOutcome, TouchOutcome};
pub use retry::RetryPolicy;
pub use server_url::check_server_url;
pub use time::{Clock, Expiry, LATEST_EXPIRY, ManualClock, SKEW_BOUND, SystemClock, Timestamp};
pub use value::{MAX_VALUE_BYTES, Value};
pub use version::Version;
