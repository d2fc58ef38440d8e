//! What all handles of one `Bindings` have in common.

use std::sync::Arc;

use larder_core::telemetry::MetricsRecorder;
use larder_core::{Clock, Kv, KvBuilder, Result, RetryPolicy, SystemClock};

/// The clock, the limits of attempts, and where metrics go.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) retry: RetryPolicy,
    /// The process's, if there is none of their own.
    pub(crate) recorder: Option<MetricsRecorder>,
}

impl Settings {
    /// The handle for a binding, in the namespace that the binding asks for.
    pub(crate) fn finish(&self, handle: KvBuilder, id: &str, namespace: Option<&str>) -> Result<Kv> {
        let mut handle = handle.binding(id).clock(Arc::clone(&self.clock)).retry(self.retry.clone());
        if let Some(recorder) = &self.recorder {
            handle = handle.recorder(recorder.clone());
        }
        let kv = handle.build();
        match namespace {
            Some(namespace) => kv.with_prefix(namespace),
            None => Ok(kv),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), retry: RetryPolicy::default(), recorder: None }
    }
}
