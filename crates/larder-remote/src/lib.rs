//! Larder on a store behind a Larder gateway, over HTTP.
//!
//! Several processes share an embedded store this way, and callers at the edge need no cloud's SDK. Each method of the
//! driver is one request of the gateway, which makes one attempt on the store behind it: the handle on this side decides
//! about retries and lost replies, as on every other backend. The gateway owns the clock: TTLs are told to it as durations,
//! and handles go by its time, however wrong this machine's may be.
//!
//! [`wire`] is the form of the requests and replies, for both sides.

pub mod wire;

mod client;
mod clock;
mod driver;
mod endpoint;
mod error;
mod options;

pub use driver::RemoteDriver;
pub use options::{ApiKey, PlainHttp, RemoteOptions};
