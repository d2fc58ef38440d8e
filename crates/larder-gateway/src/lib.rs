//! The HTTP gateway: the stores that a process has bindings of, for callers that speak HTTP.
//!
//! [`Gateway`] is what a process serves: which stores, for whom, within which limits. [`Gateway::router`] is its routes,
//! and [`serve()`] answers them on a listener. What the routes take and answer is described in `docs/http-api.md`, and for
//! programs in `docs/openapi.json`.

mod aside;
mod attempt;
mod caller;
mod console;
mod cors;
mod entrance;
mod extract;
mod gateway;
mod guard;
mod headers;
mod keys;
mod kv;
mod lifetime;
mod me;
mod observe;
mod openapi;
mod options;
mod permission;
mod problem;
mod request_id;
mod running;
mod scripts;
mod seed;
mod serve;
mod stores;
mod trace;
mod traffic;
mod unread;
mod value;

pub use caller::Caller;
pub use gateway::Gateway;
pub use guard::{Access, LoopbackGuard};
pub use keys::{
    ApiKey, Grant, GrantedBindings, KeyId, KeyStore, Keyring, ListedKey, MAX_KEYS, REVOKED_WITHIN, Rate,
    RatePeriod, Verified,
};
pub use openapi::document;
pub use options::{GatewayOptions, parse_origin};
pub use permission::{Permission, Permissions};
pub use problem::{Code, FieldError, Problem, ProblemBody};
pub use running::Metrics;
pub use scripts::Scripts;
pub use serve::{Drained, ServeOptions, Tls, serve, serve_admin, serve_with};
pub use stores::Stores;
