//! How long requests took, as metrics.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use metrics::{Histogram, Unit, describe_histogram, histogram};

/// How long requests took to be answered, in seconds.
const NAME: &str = "http.server.request.duration";

/// Says what the metrics are about, once a recorder is there.
pub(crate) fn describe() {
    describe_histogram!(NAME, Unit::Seconds, "How long requests took until their answer began.");
}

/// The histograms of a gateway, each looked up once: by its labels that takes longer than reading an entry.
///
/// A recorder that the process gets after a kind of request was answered for the first time does not see that kind.
#[derive(Default)]
pub(crate) struct Durations(RwLock<HashMap<String, Vec<Known>>>);

/// The histogram of one method and status of a route.
struct Known {
    method: &'static str,
    status: u16,
    histogram: Histogram,
}

impl Durations {
    /// Notes how long a request took.
    pub(crate) fn record(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let is_it = |known: &&Known| known.method == method && known.status == status;
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
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
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
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
