//! Counts requests by the second.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use larder::{Clock, SystemClock};
use metrics_util::storage::Summary;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

/// How many seconds are kept.
pub(super) const KEPT: u64 = 300;

/// Routes by which people and probes look at a gateway. Counted, they would show those who look what their looking costs.
const LOOKING: [&str; 6] = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/me", "/v1/stats"];
/// The same for the console's own files.
const CONSOLE: &str = "/console";

/// Answers that say what is there and are no failures: a key that is absent, a condition that did not hold.
const OUTCOMES: [StatusCode; 2] = [StatusCode::NOT_FOUND, StatusCode::PRECONDITION_FAILED];

/// Quantiles are right within a hundredth of their size, in at most 16 KiB, from a microsecond on.
const ERROR: f64 = 0.01;
const BINS: u32 = 2_048;
const LEAST: f64 = 1e-6;

/// The requests of the last minutes.
pub(crate) struct Traffic {
    began: Instant,
    /// The second of the wall clock, since 1970, at which it began. What comes after is counted by the steady clock.
    began_at: u64,
    seconds: Mutex<Seconds>,
}

/// The requests that were answered within one second.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Second {
    /// Which second, since 1970, by the gateway's clock.
    pub(super) at: u64,
    /// How many requests were answered.
    pub(super) requests: u64,
    /// How many of them were refused: 4xx, but for 404 and 412, which say what is there.
    pub(super) client_errors: u64,
    /// How many of them failed: 5xx.
    pub(super) server_errors: u64,
    /// Half of them took at most so many microseconds until their answer began; null without requests.
    #[schema(required)]
    pub(super) p50_micros: Option<u64>,
    /// The same for 99 of 100.
    #[schema(required)]
    pub(super) p99_micros: Option<u64>,
}

struct Seconds {
    /// The second that is not over yet.
    open: Counted,
    /// Those that are, the oldest first, without a gap.
    over: VecDeque<Second>,
}

struct Counted {
    at: u64,
    requests: u64,
    client_errors: u64,
    server_errors: u64,
    took: Summary,
}

impl Traffic {
    /// Begins to count.
    pub(crate) fn new() -> Self {
        Self::from(Instant::now(), SystemClock.now().as_millis() / 1_000)
    }

    fn from(began: Instant, began_at: u64) -> Self {
        let seconds = Seconds { open: Counted::new(began_at), over: VecDeque::new() };
        Self { began, began_at, seconds: Mutex::new(seconds) }
    }

    /// Counts a request that was answered now, unless its route is one by which somebody looks at the gateway.
    pub(crate) fn record(&self, route: &str, now: Instant, took: Duration, status: StatusCode) {
        if LOOKING.contains(&route) || route.starts_with(CONSOLE) {
            return;
        }
        let mut seconds = self.until(now);
        let open = &mut seconds.open;
        open.requests += 1;
        open.took.add(took.as_secs_f64());
        if status.is_server_error() {
            open.server_errors += 1;
        } else if status.is_client_error() && !OUTCOMES.contains(&status) {
            open.client_errors += 1;
        }
    }

    /// The seconds that are over by now and come after that one, the oldest first. At most [`KEPT`] of them.
    pub(super) fn seconds(&self, now: Instant, after: u64) -> Vec<Second> {
        self.until(now).over.iter().filter(|second| second.at > after).cloned().collect()
    }

    /// What was counted, with the second open that is now.
    fn until(&self, now: Instant) -> MutexGuard<'_, Seconds> {
        let at = self.began_at + now.saturating_duration_since(self.began).as_secs();
        // Counters are whole after each step: who panicked with them in hand left nothing half done.
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        seconds.open(at);
        seconds
    }
}

impl Seconds {
    /// Closes what is over. A moment that somebody else has already passed counts as theirs.
    fn open(&mut self, at: u64) {
        if at <= self.open.at {
            return;
        }
        let last = std::mem::replace(&mut self.open, Counted::new(at)).over();
        let quiet = (last.at + 1).max(at.saturating_sub(KEPT))..at;
        self.over.push_back(last);
        self.over.extend(quiet.map(|at| Counted::new(at).over()));
        self.over.retain(|second| second.at + KEPT >= at);
    }
}

impl Counted {
    fn new(at: u64) -> Self {
        let took = Summary::new(ERROR, BINS, LEAST);
        Self { at, requests: 0, client_errors: 0, server_errors: 0, took }
    }

    fn over(self) -> Second {
        let micros = |quantile| {
            let seconds: f64 = self.took.quantile(quantile)?;
            u64::try_from(Duration::try_from_secs_f64(seconds).ok()?.as_micros()).ok()
        };
        Second {
            at: self.at,
            requests: self.requests,
            client_errors: self.client_errors,
            server_errors: self.server_errors,
            p50_micros: micros(0.5),
            p99_micros: micros(0.99),
        }
    }
}

impl fmt::Debug for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traffic").field("began_at", &self.began_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = "/v1/operations/data";

    fn after(traffic: &Traffic, millis: u64) -> Instant {
        traffic.began + Duration::from_millis(millis)
    }

    #[test]
    fn a_second_is_told_when_it_is_over() {
        let traffic = Traffic::from(Instant::now(), 1_000);
        for (millis, status) in [(0, 200), (10, 404), (20, 412), (500, 400), (900, 503), (999, 204)] {
            let status = StatusCode::from_u16(status).expect("a status");
            traffic.record(ROUTE, after(&traffic, millis), Duration::from_millis(8), status);
        }
        assert_eq!(traffic.seconds(after(&traffic, 999), 0), []);
        let seconds = traffic.seconds(after(&traffic, 1_000), 0);
        let [second] = seconds.as_slice() else { panic!("{seconds:?}") };
        let counts = (second.at, second.requests, second.client_errors, second.server_errors);
        assert_eq!(counts, (1_000, 6, 1, 1));
        for micros in [second.p50_micros, second.p99_micros] {
            let micros = micros.expect("a time");
            assert!((7_900..=8_100).contains(&micros), "{micros}");
        }
    }

    #[test]
    fn the_slowest_are_in_the_last_hundredth() {
        let traffic = Traffic::from(Instant::now(), 1_000);
        for request in 0..1_000 {
            let took = Duration::from_millis(if request < 980 { 1 } else { 100 });
            traffic.record(ROUTE, after(&traffic, 1), took, StatusCode::OK);
        }
        let second = traffic.seconds(after(&traffic, 1_000), 0).remove(0);
        assert!((980..=1_020).contains(&second.p50_micros.expect("a time")), "{second:?}");
        assert!((98_000..=102_000).contains(&second.p99_micros.expect("a time")), "{second:?}");
    }

    #[test]
    fn quiet_seconds_are_there_and_old_ones_are_not() {
        let traffic = Traffic::from(Instant::now(), 1_000);
        traffic.record(ROUTE, after(&traffic, 0), Duration::ZERO, StatusCode::OK);
        let quiet = traffic.seconds(after(&traffic, 3_000), 1_000);
        let seen: Vec<_> =
            quiet.iter().map(|second| (second.at, second.requests, second.p50_micros)).collect();
        assert_eq!(seen, [(1_001, 0, None), (1_002, 0, None)]);
        for hours in [1_000, 2_000] {
            let seconds = traffic.seconds(after(&traffic, hours * 3_600_000), 0);
            assert_eq!(seconds.len(), 300);
            let last = 1_000 + hours * 3_600 - 1;
            assert_eq!((seconds[0].at, seconds[299].at), (last - 299, last));
            assert!(seconds.windows(2).all(|pair| pair[0].at + 1 == pair[1].at));
        }
    }

    #[test]
    fn who_looks_is_not_counted() {
        let traffic = Traffic::from(Instant::now(), 1_000);
        for route in LOOKING.into_iter().chain(["/console", "/console/{file}"]) {
            traffic.record(route, after(&traffic, 0), Duration::ZERO, StatusCode::OK);
        }
        // A path that is not there has no route, and is a request like any other.
        traffic.record("", after(&traffic, 0), Duration::ZERO, StatusCode::NOT_FOUND);
        assert_eq!(traffic.seconds(after(&traffic, 1_000), 0)[0].requests, 1);
    }
}
