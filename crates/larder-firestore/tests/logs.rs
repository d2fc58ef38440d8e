//! Nothing that is logged, at any level and in any task, shows a value, a whole key or a credential (E2).
//!
//! Alone in its process: connections and tokens have tasks of their own, which log where the whole process logs.

mod support;

use std::fmt::{self, Write};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use larder_core::{Kv, PutOptions, ScanOptions, TouchOptions};
use larder_firestore::Credentials;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use support::{answering, at, closed, collection, http, impatient, status};

/// Keeps everything that is logged.
struct Recorder {
    text: Arc<Mutex<String>>,
    spans: AtomicU64,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = write!(self.0, " {field}={value:?}");
    }
}

impl Recorder {
    fn keep(&self, metadata: Option<&Metadata<'_>>, record: impl FnOnce(&mut Line)) {
        let mut line = Line(metadata.map_or_else(String::new, |known| known.target().to_owned()));
        record(&mut line);
        let mut text = self.text.lock().expect("no test has panicked with it");
        text.push_str(&line.0);
        text.push('\n');
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.keep(Some(span.metadata()), |line| span.record(line));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.keep(None, |line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.keep(Some(event.metadata()), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

async fn use_it(kv: &Kv) {
    let key = "session:0f8b2c-hunter2-0f8b2c";
    kv.put(key, "hunter2", PutOptions::new()).await.expect("a put");
    kv.put(key, "hunter2", PutOptions::new().if_not_exists()).await.expect("a put");
    assert_eq!(kv.get_text(key).await.expect("a get").as_deref(), Some("hunter2"));
    kv.touch(key, TouchOptions::persist()).await.expect("a touch");
    kv.scan_page("session:", ScanOptions::new()).await.expect("a scan");
    kv.get_many([key]).await.expect("a batch");
    kv.put_many([(key, "hunter2")], None).await.expect("a batch");
    kv.increment(key, 1, None).await.expect_err("no number");
    kv.delete(key).await.expect("a delete");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_log_shows_a_value_a_key_or_a_credential() {
    let text: Arc<Mutex<String>> = Arc::default();
    let recorder = Recorder { text: Arc::clone(&text), spans: AtomicU64::new(1) };
    tracing::subscriber::set_global_default(recorder).expect("the only one");

    let token = json!({ "access_token": "hunter2", "token_type": "Bearer", "expires_in": 3600 }).to_string();
    let tokens = answering(move || http(200, token.clone())).await;
    let user = json!({
        "type": "authorized_user",
        "client_id": "client",
        "client_secret": "hunter2",
        "refresh_token": "hunter2",
        "token_uri": format!("{}/token", tokens.url),
    });
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("credentials.json");
    fs::write(&path, user.to_string()).expect("a file");
    let file = Credentials::File(path);
    // The emulator takes no token but its own.
    use_it(&impatient(&collection()).await).await;

    // And where everything goes wrong.
    let refusing = answering(|| status(16)).await;
    impatient(&at(&refusing.url).credentials(file.clone())).await.get("hunter2").await.expect_err("refused");
    let strange = answering(|| http(500, "hunter2")).await;
    impatient(&at(&strange.url).credentials(file.clone()))
        .await
        .get("hunter2")
        .await
        .expect_err("no Firestore");
    let nowhere = at(closed().await).credentials(file);
    impatient(&nowhere).await.get("hunter2").await.expect_err("nobody is there");

    let text = text.lock().expect("no test has panicked with it");
    assert!(text.contains("larder"), "the handle's own spans are there");
    assert!(text.contains("h2::"), "and what connections log in their own tasks");
    let leak: Vec<_> = text.lines().filter(|line| line.contains("hunter2")).collect();
    assert!(leak.is_empty(), "{leak:#?}");
}
