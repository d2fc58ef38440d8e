//! The HTTP gateway: the stores that a process has bindings of, for callers that speak HTTP.
//!
//! [`Gateway`] is what a process serves: which stores, for whom, within which limits. [`Gateway::router`] is its routes,
//! and [`serve()`] answers them on a listener. What the routes take and answer is described in `docs/http-api.md`, and for
//! programs in `docs/openapi.json`.

mod caller;
mod extract;
mod gateway;
mod kv;
mod lifetime;
mod openapi;
mod permission;
mod problem;
mod request_id;
mod seed;
mod serve;
mod stores;
mod value;

pub use caller::Caller;
pub use gateway::Gateway;
pub use openapi::document;
pub use permission::{Permission, Permissions};
pub use problem::{Code, FieldError, Problem, ProblemBody};
pub use serve::serve;
pub use stores::Stores;
