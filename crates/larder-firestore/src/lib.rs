//! The Larder driver for Google Cloud Firestore.
//!
//! One document per key; the layout, the requests and the cost of every operation are in `docs/layouts.md`. Any number of
//! processes share a collection. Connections and credentials come from the `firestore` crate; the requests are sent over
//! its authenticated channel as they are, which gives exact status codes and never retries: an attempt is an attempt, and
//! the handle decides what follows it.
//!
//! ```no_run
//! # async fn example() -> larder_core::Result<()> {
//! use larder_core::{Kv, PutOptions};
//! use larder_firestore::{FirestoreDriver, FirestoreOptions};
//!
//! let driver = FirestoreDriver::open(FirestoreOptions::new("my-project", "cache")).await?;
//! let kv = Kv::new(driver);
//! kv.put("greeting", "hello", PutOptions::new()).await?;
//! # Ok(())
//! # }
//! ```

mod batch;
mod channels;
mod client;
mod codec;
mod credentials;
mod driver;
mod endpoint;
mod error;
mod health;
mod message;
mod names;
mod options;
mod raw;
mod reply;
mod request;
mod scan;
#[doc(hidden)]
pub mod testing;
mod write;

pub use driver::FirestoreDriver;
pub use options::{Credentials, FirestoreOptions};
