//! The contract as an executable suite: every clause of `docs/contract.md`, proven on every driver.
//!
//! A backend runs all of it with one call. It supplies a [`Harness`], which makes fresh stores; a [`TestStore`] opens
//! drivers on one of them. There is no list of cases to leave out, and no option that skips one.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use larder_conformance::{Harness, TestStore};
//! use larder_core::MemoryDriver;
//! use larder_core::driver::{Driver, RowKey};
//!
//! struct Memory;
//!
//! #[async_trait]
//! impl Harness for Memory {
//!     fn name(&self) -> &str {
//!         "memory"
//!     }
//!
//!     async fn create(&self) -> Arc<dyn TestStore> {
//!         Arc::new(Store(MemoryDriver::new()))
//!     }
//! }
//!
//! struct Store(MemoryDriver);
//!
//! #[async_trait]
//! impl TestStore for Store {
//!     async fn driver(&self) -> Arc<dyn Driver> {
//!         Arc::new(self.0.clone())
//!     }
//!
//!     async fn corrupt(&self, key: &RowKey) {
//!         self.0.corrupt(key);
//!     }
//!
//!     async fn restart(&self) {
//!         // A store in memory cannot lose its process and keep its data. Others close here and open again.
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() {
//!     larder_conformance::run(&Memory).await;
//! }
//! ```
//!
//! # How it works
//!
//! - A case is an `async fn` in [`cases`] that names the clauses it proves. It gets a store of its own, and panics when a
//!   clause does not hold. [`run`] prints a line for each case and fails at the end with all that failed; [`report`]
//!   returns the same as data. A case that does not end within [`Harness::case_limit`] has failed.
//! - Nothing sleeps. Handles run by a clock that the cases move; it shows a moment in the year 2100, so that no reaper
//!   that runs by the real time ever finds anything expired.
//! - Faults come from drivers around the driver under test: see [`wrap`]. They count, lose replies, or fail by a script.
//! - [`model`](mod@model) is a second opinion on what a store does, written without a look at `MemoryDriver`; random
//!   sequences of operations are played against both, and shrunk when they differ.
//! - `cargo run -p larder-conformance --example clauses` prints which cases prove which clause. A clause without a case
//!   fails this crate's tests, as does a driver with a fault that no case notices (`tests/broken.rs`).

pub mod cases;
pub mod model;
pub mod server;
pub mod wrap;

mod clauses;
mod context;
mod emulators;
mod failing;
mod harness;
mod logs;
mod memory;
mod runner;
mod support;

pub use cases::{Case, all};
pub use clauses::{CONTRACT, clauses, table};
pub use context::Context;
pub use emulators::emulator;
pub use failing::every_operation_fails;
pub use harness::{Harness, ModelSize, TestStore};
pub use memory::MemoryHarness;
pub use runner::{Failure, Report, report, run};
