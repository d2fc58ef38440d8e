//! Spans and metrics, by the OpenTelemetry database conventions.

use std::sync::Arc;
use std::time::Duration;

use metrics::{Key, Label, Level, Metadata, with_recorder};
use tracing::Span;
use tracing::field::Empty;

use crate::driver::DriverInfo;
use crate::error::ErrorKind;
use crate::operation::Operation;

/// How long an operation took, in seconds, with all its attempts.
pub const DURATION: &str = "db.client.operation.duration";
/// Attempts beyond the first.
pub const RETRIES: &str = "larder.retries";
/// Writes whose reply was lost, by what was found out.
pub const LOST_REPLIES: &str = "larder.lost_replies";
/// How far this process's clock is ahead of the store's, in seconds.
pub const CLOCK_SKEW: &str = "larder.clock.skew";

static METADATA: Metadata<'static> = Metadata::new("larder", Level::INFO, Some(module_path!()));

/// What a handle reports about itself.
#[derive(Debug)]
pub(crate) struct Telemetry {
    system: &'static str,
    store: Arc<str>,
    binding: Arc<str>,
    /// The duration's key for each operation that succeeds, made once: most operations do.
    durations: Vec<Key>,
}

impl Telemetry {
    pub(crate) fn new(info: &DriverInfo, binding: Arc<str>) -> Self {
        let mut telemetry =
            Self { system: info.system, store: Arc::clone(&info.store), binding, durations: Vec::new() };
        // Recorders keep keys: retained ones are shared with them, and not copied for each operation.
        let key = |operation| Key::from_parts(DURATION, telemetry.labels(operation)).to_retained();
        telemetry.durations = Operation::ALL.map(key).to_vec();
        telemetry
    }

    pub(crate) fn span(&self, operation: Operation) -> Span {
        tracing::info_span!(
            target: "larder",
            "kv",
            otel.name = operation.as_str(),
            otel.kind = "client",
            db.system.name = self.system,
            db.operation.name = operation.as_str(),
            db.collection.name = &*self.store,
            larder.binding = &*self.binding,
            error.type = Empty,
        )
    }

    pub(crate) fn finished(
        &self,
        operation: Operation,
        took: Duration,
        span: &Span,
        error: Option<ErrorKind>,
    ) {
        let seconds = took.as_secs_f64();
        let Some(kind) = error else {
            let key = &self.durations[operation as usize];
            with_recorder(|recorder| recorder.register_histogram(key, &METADATA).record(seconds));
            return;
        };
        span.record("error.type", kind.as_str());
        let mut labels = self.labels(operation);
        labels.push(Label::from_static_parts("error.type", kind.as_str()));
        let key = Key::from_parts(DURATION, labels);
        with_recorder(|recorder| recorder.register_histogram(&key, &METADATA).record(seconds));
    }

    pub(crate) fn retried(&self, operation: Operation, kind: ErrorKind) {
        tracing::debug!(target: "larder", operation = operation.as_str(), error = kind.as_str(), "retrying");
        let mut labels = self.labels(operation);
        labels.push(Label::from_static_parts("error.type", kind.as_str()));
        self.count(RETRIES, labels);
    }

    /// Counts a write whose reply was lost: `resolution` is `applied`, `not_applied` or `ambiguous`.
    pub(crate) fn lost_reply(&self, operation: Operation, resolution: &'static str) {
        let mut labels = self.labels(operation);
        labels.push(Label::from_static_parts("resolution", resolution));
        self.count(LOST_REPLIES, labels);
    }

    pub(crate) fn clock_skew(&self, millis: i64) {
        let key = Key::from_parts(CLOCK_SKEW, vec![Label::new("larder.binding", self.binding.to_string())]);
        #[expect(clippy::cast_precision_loss, reason = "a clock is not wrong by 2^53 ms")]
        with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).set(millis as f64 / 1e3));
    }

    fn count(&self, name: &'static str, labels: Vec<Label>) {
        let key = Key::from_parts(name, labels);
        with_recorder(|recorder| recorder.register_counter(&key, &METADATA).increment(1));
    }

    fn labels(&self, operation: Operation) -> Vec<Label> {
        vec![
            Label::from_static_parts("db.system.name", self.system),
            Label::from_static_parts("db.operation.name", operation.as_str()),
            Label::new("larder.binding", self.binding.to_string()),
        ]
    }
}
