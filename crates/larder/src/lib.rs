//! One key-value API for deployed services.
//!
//! Small values with a use-by date, in whichever cloud's cupboard: a service asks for a store by its resource id, and a
//! *binding* decides at run time whether that is a table of Amazon DynamoDB, a collection of Google Cloud Firestore, a table
//! of Azure Table Storage, or a directory on this machine. The calls mean the same on all of them, clause by clause:
//! `docs/contract.md`.
//!
//! ```
//! use larder::{Context, PutOptions};
//! # use larder::{Bindings, Result};
//!
//! # #[cfg(feature = "local")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let ctx = Context::from_env();
//! # let dir = tempfile::tempdir().expect("a directory");
//! # let ctx = Context::new(Bindings::local(dir.path()));
//! # let value = String::from("Alice");
//! let cache = ctx.bindings().load_kv("cache").await?;
//!
//! cache.put("user:123", value.as_bytes(), PutOptions::default()).await?;
//! let data = cache.get("user:123").await?;
//! # assert_eq!(data.as_deref(), Some(value.as_bytes()));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "local"))]
//! # fn main() {}
//! ```
//!
//! What [`Kv`] can do beyond that: lifetimes, conditional writes (locks, compare-and-set), scans, batches, counters.
//!
//! # Where a binding is found
//!
//! `load_kv("cache")` takes the first that is there:
//!
//! 1. the variable `LARDER_CACHE_BINDING` (the id in upper case, `_` for `-`);
//! 2. the variable `ALIEN_CACHE_BINDING`, which another platform gives its services, `{"envRef":"VAR"}` included;
//! 3. the entry `cache` of the file that the variable `LARDER_BINDINGS` names, in TOML or JSON by its extension.
//!
//! Without any of them it is an error of kind [`NotConfigured`](ErrorKind::NotConfigured) that names all three. Two ids
//! that would share a variable, such as `a-b` and `a_b`, are refused.
//!
//! # What a binding says
//!
//! It is JSON, or a URL where it needs no secret. Unknown keys are refused, `?` marks what can be left out, and every
//! string may be `{"env":"VAR"}` instead: the value of that variable.
//!
//! ```text
//! {"service":"dynamodb","tableName":"…","region":"…","endpointUrl":"…"?,
//!  "profile":"…"? or "accessKeyId":"…"?,"secretAccessKey":"…"?,"sessionToken":"…"?}
//! {"service":"firestore","projectId":"…","databaseId":"(default)"?,"collectionName":"…","endpointUrl":"…"?,
//!  "credentialsFile":"…"?}
//! {"service":"tablestorage","accountName":"…","tableName":"…","resourceGroupName":"…"?,"endpointUrl":"…"?,
//!  "accountKey":"…"? or "sasToken":"…"? or "connectionString":"…"?}
//! {"service":"local-kv","dataDir":"…","keyPrefix":"…"?,"durability":"flush" or "interval"?}
//! {"service":"gateway","url":"https://…","apiKey":{"env":"…"}?,"binding":"cache","plainHttp":"loopback" or "anywhere"?}
//!
//! dynamodb://table?region=…&endpointUrl=…
//! firestore://project/database/collection?endpointUrl=…&credentialsFile=…
//! tablestorage://account/table?resourceGroupName=…&endpointUrl=…
//! local-kv:///absolute/dir?keyPrefix=…&durability=…      local-kv:relative/dir
//! gateway://host:port/binding
//! ```
//!
//! # Features
//!
//! | Feature | Default | Compiles in the driver of |
//! |---|---|---|
//! | `local` | yes | `local-kv`: a directory on this machine, kept by sled |
//! | `aws` | no | `dynamodb`: a table of Amazon DynamoDB, through the official SDK |
//! | `gcp` | no | `firestore`: a collection of Google Cloud Firestore |
//! | `azure` | no | `tablestorage`: a table of Azure Table Storage |
//! | `gateway` | no | `gateway`: a store behind a Larder gateway, without any cloud's SDK |
//!
//! The bindings of every service are read and checked in every build.

pub mod binding;

mod bindings;
mod context;
mod drivers;
mod entries;
mod environment;
mod fault;
mod handles;
mod node;
mod secret;
mod service;
mod settings;
mod source;
mod variables;

pub use binding::Binding;
pub use bindings::Bindings;
pub use context::Context;
pub use environment::Environment;
pub use secret::Secret;
pub use service::{SERVICES, Service};
pub use variables::variable_of;

#[cfg(feature = "local")]
pub use larder_sled::{Salvaged, salvage};

pub use larder_core::{
    CheckReport, Clock, Condition, Consistency, Cursor, DeleteOutcome, Entry, EntryInfo, Error, ErrorKind,
    Kv, KvBuilder, MAX_PAGE_BYTES, MAX_PAGE_LIMIT, MAX_VALUE_BYTES, ManualClock, MemoryDriver, Operation,
    Page, PutOptions, PutOutcome, Result, RetryPolicy, ScanOptions, ScanStream, Seen, SweepOutcome,
    SystemClock, Timestamp, TouchOptions, TouchOutcome, Value, Version, check_resource_id, key_order,
    telemetry,
};

/// Keeps the README's example compiling.
#[cfg(all(doctest, feature = "local"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
