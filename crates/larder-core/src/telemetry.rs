//! Spans and metrics, by the OpenTelemetry database conventions.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics::{Histogram, Key, Label, Level, Metadata, Recorder, with_recorder};
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

/// A recorder of metrics that a handle is given: what it reports goes there, and not to the recorder of the process.
///
/// The process may be given its recorder at any time, so that each operation looks up where it is reported. With this one a
/// handle does so once for what succeeds: with the exporter for Prometheus, that saves a seventh of the instructions of a read
/// from memory. So the recorder must keep what it was once told of: one that forgets idle metrics would not hear of them
/// again. Cheap to clone.
///
/// ```
/// use std::sync::Arc;
///
/// use larder_core::telemetry::MetricsRecorder;
/// use larder_core::{Kv, MemoryDriver};
/// use metrics_util::debugging::DebuggingRecorder;
///
/// let recorder = Arc::new(DebuggingRecorder::new());
/// let kv = Kv::builder(MemoryDriver::new()).recorder(MetricsRecorder::new(recorder)).build();
/// # let _ = kv;
/// ```
#[derive(Clone)]
pub struct MetricsRecorder(Arc<dyn Recorder + Send + Sync>);

impl MetricsRecorder {
    /// One that several handles may share.
    pub fn new(recorder: Arc<impl Recorder + Send + Sync + 'static>) -> Self {
        Self(recorder)
    }
}

impl fmt::Debug for MetricsRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsRecorder")
    }
}

/// What a handle reports about itself.
#[derive(Debug)]
pub(crate) struct Telemetry {
    system: &'static str,
    store: Arc<str>,
    binding: Arc<str>,
    recorder: Option<MetricsRecorder>,
    /// For each kind of operation, how long those took that succeeded: made once, since most do.
    succeeded: Vec<Succeeded>,
}

/// Where it is reported how long the operations of one kind took that succeeded.
#[derive(Debug)]
struct Succeeded {
    key: Key,
    /// That of the handle's own recorder. The process's may be another next time.
    histogram: OnceLock<Histogram>,
}

impl Telemetry {
    pub(crate) fn new(info: &DriverInfo, binding: Arc<str>, recorder: Option<MetricsRecorder>) -> Self {
        let store = Arc::clone(&info.store);
        let mut telemetry = Self { system: info.system, store, binding, recorder, succeeded: Vec::new() };
        let succeeded = |operation| Succeeded {
            // Recorders keep keys: retained ones are shared with them, and not copied for each operation.
            key: Key::from_parts(DURATION, telemetry.labels(operation)).to_retained(),
            histogram: OnceLock::new(),
        };
        telemetry.succeeded = Operation::ALL.map(succeeded).into();
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
            self.report_success(&self.succeeded[operation as usize], seconds);
            return;
        };
        span.record("error.type", kind.as_str());
        let mut labels = self.labels(operation);
        labels.push(Label::from_static_parts("error.type", kind.as_str()));
        let key = Key::from_parts(DURATION, labels);
        self.report(|recorder| recorder.register_histogram(&key, &METADATA).record(seconds));
    }

    fn report_success(&self, succeeded: &Succeeded, seconds: f64) {
        let registered = |recorder: &dyn Recorder| recorder.register_histogram(&succeeded.key, &METADATA);
        match &self.recorder {
            Some(recorder) => {
                succeeded.histogram.get_or_init(|| registered(&*recorder.0)).record(seconds);
            }
            None => with_recorder(|recorder| registered(recorder).record(seconds)),
        }
    }

    fn report(&self, report: impl FnOnce(&dyn Recorder)) {
        match &self.recorder {
            Some(recorder) => report(&*recorder.0),
            None => with_recorder(report),
        }
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
        self.report(|recorder| recorder.register_gauge(&key, &METADATA).set(millis as f64 / 1e3));
    }

    fn count(&self, name: &'static str, labels: Vec<Label>) {
        let key = Key::from_parts(name, labels);
        self.report(|recorder| recorder.register_counter(&key, &METADATA).increment(1));
    }

    fn labels(&self, operation: Operation) -> Vec<Label> {
        vec![
            Label::from_static_parts("db.system.name", self.system),
            Label::from_static_parts("db.operation.name", operation.as_str()),
            Label::new("larder.binding", self.binding.to_string()),
        ]
    }
}
