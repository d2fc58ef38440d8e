//! The metrics of the process, in the text form of Prometheus.

use std::sync::Arc;
use std::time::Duration;

use larder::telemetry::MetricsRecorder;
use larder::{Error, ErrorKind, Result};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::durations;

/// From a read of memory to the deadline of an operation, in seconds.
const BUCKETS: &[f64] =
    &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// How often what was measured is added up: until then each measurement takes memory, a megabyte for every 30,000 requests.
const UPKEEP: Duration = Duration::from_secs(1);

/// The metrics of the process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    recorder: MetricsRecorder,
}

impl Metrics {
    /// Collects what this process measures from here on. To be called once, in a runtime, by a program and not a library.
    ///
    /// # Errors
    ///
    /// `NotConfigured` when something else collects it already.
    pub fn install() -> Result<Self> {
        let failed = |what: String| {
            Error::new(ErrorKind::NotConfigured, format!("metrics cannot be collected: {what}"))
        };
        let builder =
            PrometheusBuilder::new().set_buckets(BUCKETS).map_err(|error| failed(error.to_string()))?;
        let recorder = Arc::new(builder.build_recorder());
        let handle = recorder.handle();
        metrics::set_global_recorder(Arc::clone(&recorder)).map_err(|error| failed(error.to_string()))?;
        durations::describe();
        let upkeep = handle.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(UPKEEP);
            loop {
                ticks.tick().await;
                upkeep.run_upkeep();
            }
        });
        Ok(Self { handle, recorder: MetricsRecorder::new(recorder) })
    }

    /// What collects them, for handles, which then need not look it up ([`larder::Bindings::with_recorder`]). What the gateway
    /// itself measures goes there anyway.
    pub fn recorder(&self) -> MetricsRecorder {
        self.recorder.clone()
    }

    /// All of them, as they are now.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}
