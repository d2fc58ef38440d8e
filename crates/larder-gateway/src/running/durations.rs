//! How long requests took, as metrics.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use foldhash::fast::FixedState;
use metrics::{Histogram, Unit, describe_histogram, histogram};

/// How long requests took to be answered, in seconds.
const NAME: &str = "http.server.request.duration";

/// Says what the metrics are about, once a recorder is there.
pub(crate) fn describe() {
    describe_histogram!(NAME, Unit::Seconds, "How long requests took until their answer began.");
}

/// The histograms of a gateway.
pub(crate) struct Durations {
    memory: Memory,
    /// Routes are the program's own: nobody sends names that would meet in a simple hash.
    known: RwLock<HashMap<String, Vec<Known>, FixedState>>,
}

/// Whether histograms are looked up each time: by its labels that takes longer than reading an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Memory {
    /// Once: the process has the recorder that it will have.
    Once,
    /// Each time: who runs the process may give it a recorder later.
    Never,
}

/// The histogram of one method and status of a route.
struct Known {
    method: &'static str,
    status: u16,
    histogram: Histogram,
}

impl Durations {
    pub(crate) fn new(memory: Memory) -> Self {
        Self { memory, known: RwLock::default() }
    }

    /// Notes how long a request took.
    pub(crate) fn record(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let is_it = |known: &&Known| known.method == method && known.status == status;
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = known.get(route).and_then(|of_route| of_route.iter().find(is_it)) {
                known.histogram.record(took.as_secs_f64());
                return;
            }
        }
        let labels = [
            ("http.request.method", method.to_owned()),
            ("http.route", route.to_owned()),
            ("http.response.status_code", status.to_string()),
        ];
        let histogram = histogram!(NAME, &labels);
        histogram.record(took.as_secs_f64());
        if self.memory == Memory::Never {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let of_route = known.entry(route.to_owned()).or_default();
        // Another may have been as fast: the two histograms are one.
        if !of_route.iter().any(|known| is_it(&known)) {
            of_route.push(Known { method, status, histogram });
        }
    }
}

impl fmt::Debug for Durations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Durations(..)")
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn every_request_is_counted_under_its_own_labels() {
        for memory in [Memory::Once, Memory::Never] {
            let recorder = PrometheusBuilder::new().build_recorder();
            let durations = Durations::new(memory);
            metrics::with_local_recorder(&recorder, || {
                for (method, status) in [("GET", 200), ("GET", 200), ("GET", 404), ("PUT", 200)] {
                    durations.record(method, "/v1/kv/{binding}/entry", status, Duration::from_millis(1));
                }
            });
            let counts = recorder.handle().render();
            let count = |method: &str, status: &str| {
                let is_it =
                    |line: &&str| line.contains("_count") && line.contains(method) && line.contains(status);
                counts.lines().find(is_it).and_then(|line| line.rsplit(' ').next()).map(str::to_owned)
            };
            assert_eq!(count("GET", "200").as_deref(), Some("2"), "{memory:?}: {counts}");
            assert_eq!(count("GET", "404").as_deref(), Some("1"), "{memory:?}: {counts}");
            assert_eq!(count("PUT", "200").as_deref(), Some("1"), "{memory:?}: {counts}");
        }
    }
}
