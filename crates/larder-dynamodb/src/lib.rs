//! The Larder driver for Amazon DynamoDB.
//!
//! One item per key; the layout, the expressions and the cost of every operation are in `docs/layouts.md`. Any number of
//! processes share a table. The client is the official SDK with its retries off: an attempt is an attempt, and the handle
//! decides what follows it.
//!
//! ```no_run
//! # async fn example() -> larder_core::Result<()> {
//! use larder_core::{Kv, PutOptions};
//! use larder_dynamodb::{DynamoDbDriver, DynamoDbOptions};
//!
//! let driver = DynamoDbDriver::open(DynamoDbOptions::new("cache", "eu-central-1")).await?;
//! let kv = Kv::new(driver);
//! kv.put("greeting", "hello", PutOptions::new()).await?;
//! # Ok(())
//! # }
//! ```

mod answer;
mod batch;
mod client;
mod codec;
mod counter;
mod credentials;
mod driver;
mod endpoint;
mod error;
mod exchange;
mod expressions;
mod health;
mod hooks;
mod json;
mod options;
mod parts;
mod provision;
mod requests;
mod scan;
#[doc(hidden)]
pub mod testing;
mod user_agent;
mod whole;
mod write;

pub use driver::DynamoDbDriver;
pub use options::{Credentials, DynamoDbOptions};
pub use provision::{DynamoDbProvisioner, Protection, TableSpec};
