//! What stands for `traces.rs` without the feature `otel`: no traces, so that `serve` need not ask.

use tracing_subscriber::{Layer, Registry};

use super::settings::Settings;
use crate::failure::Outcome;

/// No traces.
#[derive(Debug)]
pub(super) struct Traces;

impl Traces {
    pub(super) fn start(_: &Settings) -> Outcome<Self> {
        Ok(Self)
    }

    pub(super) fn layers(&self) -> Vec<Box<dyn Layer<Registry> + Send + Sync>> {
        Vec::new()
    }

    pub(super) async fn finish(self) {}
}
