//! What the handle counts when things go wrong.

use std::sync::Arc;
use std::time::Duration;

use larder_conformance::wrap::{Hook, Loss, Lossy, Method, Posing, Scripted, Step};
use larder_core::driver::{Driver, DriverError};
use larder_core::{Clock, ErrorKind, Kv, ManualClock, MemoryDriver, PutOptions, RetryPolicy, telemetry};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

/// The labels and the values of a metric after the work.
fn metric<T>(name: &str, work: impl AsyncFnOnce() -> T) -> Vec<(Vec<(String, String)>, f64)> {
    let recorder = DebuggingRecorder::new();
    let seen = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    metrics::with_local_recorder(&recorder, || runtime.block_on(work()));
    let of_name = seen.snapshot().into_vec().into_iter().filter(|(key, ..)| key.key().name() == name);
    of_name
        .map(|(key, _, _, value)| {
            let labels = key.key().labels().map(|label| (label.key().to_owned(), label.value().to_owned()));
            let number = match value {
                DebugValue::Counter(count) => f64::from(u32::try_from(count).expect("few")),
                DebugValue::Gauge(number) => number.into_inner(),
                DebugValue::Histogram(samples) => samples.iter().map(|sample| sample.into_inner()).sum(),
            };
            (labels.collect(), number)
        })
        .collect()
}

fn handle(driver: impl Driver + 'static, clock: Arc<ManualClock>) -> Kv {
    let mut policy = RetryPolicy::default();
    policy.backoff_min = Duration::from_millis(1);
    Kv::builder(driver).binding("cache").clock(clock).retry(policy).build()
}

fn has(labels: &[(String, String)], label: &str, value: &str) -> bool {
    labels.iter().any(|(name, of_name)| name == label && of_name == value)
}

#[test]
fn retries_are_counted_by_their_cause() {
    let counted = metric(telemetry::RETRIES, async || {
        let scripted = Scripted::new();
        scripted.then(Method::Write, [Step::fail(DriverError::refused(ErrorKind::Throttled, "slow down"))]);
        let kv = handle(scripted.over(MemoryDriver::new()), Arc::default());
        kv.put("key", "value", PutOptions::new()).await.expect("it is sent again");
    });
    let [(labels, 1.0)] = &counted[..] else { panic!("one retry: {counted:?}") };
    for (label, value) in
        [("db.operation.name", "put"), ("error.type", "throttled"), ("larder.binding", "cache")]
    {
        assert!(has(labels, label, value), "{label} in {labels:?}");
    }
}

#[test]
fn lost_replies_are_counted_by_what_was_found_out() {
    let counted = metric(telemetry::LOST_REPLIES, async || {
        let lossy = Lossy::script([Some(Loss::After)]);
        let kv = handle(lossy.over(MemoryDriver::new()), Arc::default());
        kv.put("key", "value", PutOptions::new()).await.expect("its own write is found");
    });
    let [(labels, 1.0)] = &counted[..] else { panic!("one lost reply: {counted:?}") };
    assert!(has(labels, "resolution", "applied") && has(labels, "db.operation.name", "put"), "{labels:?}");
}

#[test]
fn the_clock_skew_is_a_gauge_in_seconds() {
    let counted = metric(telemetry::CLOCK_SKEW, async || {
        let clock = Arc::new(ManualClock::default());
        let server = clock.now();
        clock.advance(Duration::from_millis(1_500));
        let posing = Posing::new().server_time(server).ready();
        let report = handle(posing.over(MemoryDriver::new()), clock).check().await.expect("a check");
        assert_eq!(report.clock_skew_millis, Some(1_500));
    });
    let [(labels, 1.5)] = &counted[..] else { panic!("one gauge: {counted:?}") };
    assert!(has(labels, "larder.binding", "cache"), "{labels:?}");
}
