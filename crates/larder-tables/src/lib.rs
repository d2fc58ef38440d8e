//! The Larder driver for Azure Table Storage.
//!
//! One row per key; the layout, the requests and the cost of every operation are in `docs/layouts.md`. Any number of
//! processes share a table. The transport below `azure_data_tables` is our own: it pools, signs and never retries. An attempt
//! is an attempt, and the handle decides what follows it.
//!
//! ```no_run
//! # async fn example() -> larder_core::Result<()> {
//! use larder_core::{Kv, PutOptions};
//! use larder_tables::{TablesDriver, TablesOptions};
//!
//! let driver = TablesDriver::open(TablesOptions::new("acme", "cache")).await?;
//! let kv = Kv::new(driver);
//! kv.put("greeting", "hello", PutOptions::new()).await?;
//! # Ok(())
//! # }
//! ```

mod batch;
mod client;
mod codec;
mod connection_string;
mod credentials;
mod driver;
mod endpoint;
mod error;
mod filter;
mod group;
mod health;
mod identity;
mod options;
mod property;
mod provision;
mod queries;
mod rows;
mod scan;
mod sign;
mod sweep;
#[doc(hidden)]
pub mod testing;
mod token;
mod transport;
mod write;

pub use credentials::Credentials;
pub use driver::TablesDriver;
pub use options::TablesOptions;
pub use provision::TablesProvisioner;
