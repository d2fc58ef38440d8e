//! Spans and metrics, as an observer sees them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use larder_core::telemetry::MetricsRecorder;
use larder_core::{Kv, MemoryDriver, PutOptions, telemetry};
use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// The fields of every span, in the order in which the spans began.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Span>>>);

type Span = (Id, BTreeMap<String, String>);

impl<S: tracing::Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.0.lock().expect("spans").push((id.clone(), fields.0));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        let mut spans = self.0.lock().expect("spans");
        let (_, span) = spans.iter_mut().rev().find(|(of, _)| of == id).expect("a span");
        span.extend(fields.0);
    }
}

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

#[test]
fn operations_are_seen_as_database_calls() {
    let spans = Spans::default();
    let recorder = DebuggingRecorder::new();
    let seen = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tracing::subscriber::with_default(Registry::default().with(spans.clone()), || {
        metrics::with_local_recorder(&recorder, || {
            runtime.block_on(async {
                let kv = Kv::builder(MemoryDriver::new()).binding("cache").build();
                kv.put("secret-key", "secret-value", PutOptions::new()).await.expect("a put");
                kv.get("").await.expect_err("no key");
            });
        });
    });

    let spans = spans.0.lock().expect("spans");
    let [(_, put), (_, get)] = &spans[..] else { panic!("two operations, {} spans", spans.len()) };
    for (field, value) in [
        ("otel.name", "put"),
        ("otel.kind", "client"),
        ("db.system.name", "memory"),
        ("db.operation.name", "put"),
        ("db.collection.name", "memory"),
        ("larder.binding", "cache"),
    ] {
        assert_eq!(put.get(field).map(String::as_str), Some(value), "{field}");
    }
    assert_eq!(put.get("error.type"), None);
    assert_eq!(get.get("error.type").map(String::as_str), Some("invalid_input"));
    let everything = format!("{spans:?}");
    assert!(!everything.contains("secret"), "{everything}");

    let mut durations = Vec::new();
    for (key, _, _, value) in seen.snapshot().into_vec() {
        assert_eq!((key.kind(), key.key().name()), (MetricKind::Histogram, telemetry::DURATION));
        let DebugValue::Histogram(samples) = value else { panic!("a histogram has samples") };
        let labels: BTreeMap<_, _> =
            key.key().labels().map(|label| (label.key().to_owned(), label.value().to_owned())).collect();
        durations.push((
            labels["db.operation.name"].clone(),
            labels.get("error.type").cloned(),
            samples.len(),
        ));
    }
    durations.sort();
    assert_eq!(
        durations,
        [("get".to_owned(), Some("invalid_input".to_owned()), 1), ("put".to_owned(), None, 1)]
    );
}

#[test]
fn a_handle_with_a_recorder_of_its_own_reports_to_no_other() {
    let (process, own) = (DebuggingRecorder::new(), Arc::new(DebuggingRecorder::new()));
    let (seen_by_process, seen) = (process.snapshotter(), own.snapshotter());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    metrics::with_local_recorder(&process, || {
        runtime.block_on(async {
            let kv = Kv::builder(MemoryDriver::new()).recorder(MetricsRecorder::new(own)).build();
            kv.put("key", "value", PutOptions::new()).await.expect("a put");
            for _ in 0..3 {
                kv.get("key").await.expect("a get");
            }
            kv.get("").await.expect_err("no key");
        });
    });
    assert!(seen_by_process.snapshot().into_vec().is_empty());
    let mut counts: Vec<_> = seen
        .snapshot()
        .into_vec()
        .into_iter()
        .map(|(key, _, _, value)| {
            let DebugValue::Histogram(samples) = value else { panic!("a histogram has samples") };
            let label = |name| {
                key.key().labels().find(|label| label.key() == name).map(|label| label.value().to_owned())
            };
            (label("db.operation.name"), label("error.type"), samples.len())
        })
        .collect();
    counts.sort();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        counts,
        [(text("get"), None, 3), (text("get"), text("invalid_input"), 1), (text("put"), None, 1)]
    );
}
