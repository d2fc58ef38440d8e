//! What those who run a gateway look at: whether it lives, whether it is ready, its metrics.

mod durations;
mod health;
mod metrics;
mod routes;

pub(crate) use self::durations::{Durations, Memory};
pub(crate) use self::health::Health;
pub use self::metrics::Metrics;
pub(crate) use self::routes::{admin, public, whole};
