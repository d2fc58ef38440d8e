//! No log at any level shows who asks or what is stored: the SDK below has an advisory for exactly that.

mod support;

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use larder_conformance::server::{Server, answering};
use larder_core::{Kv, PutOptions, ScanOptions, TouchOptions};
use larder_tables::Credentials;
use larder_tables::testing::{EMULATOR_KEY, signature};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use support::server::empty_table;
use support::{impatient, table, table_at};

/// Everything that anything logs in this process, in both of the ways that crates log.
static LOG: Mutex<String> = Mutex::new(String::new());

fn write(name: &str, target: &str, record: impl FnOnce(&mut Fields<'_>)) {
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = write!(log, "{target} {name}");
    record(&mut Fields(&mut log));
    log.push('\n');
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }
}

struct Recorder(AtomicU64);

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        write(span.metadata().name(), span.metadata().target(), |fields| span.record(fields));
        Id::from_u64(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        write("", "", |fields| values.record(fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        write(event.metadata().name(), event.metadata().target(), |fields| event.record(fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Plain;

impl log::Log for Plain {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(log, "{} {}", record.target(), record.args());
    }

    fn flush(&self) {}
}

async fn every_operation(kv: &Kv) {
    let value = "stored-hunter2";
    drop(kv.put("key", value, PutOptions::new()).await);
    drop(kv.put("key", value, PutOptions::new().if_not_exists()).await);
    drop(kv.get("key").await);
    drop(kv.exists("key").await);
    drop(kv.touch("key", TouchOptions::persist()).await);
    drop(kv.increment("counter", 1, None).await);
    drop(kv.put_many((0..30).map(|at| (format!("k{at}"), value)), None).await);
    drop(kv.get_many(["key", "other"]).await);
    drop(kv.scan_page("", ScanOptions::new()).await);
    drop(kv.sweep().await);
    drop(kv.check().await);
    drop(kv.delete("key").await);
    drop(kv.delete_many(["k1", "k2"]).await);
}

#[tokio::test]
async fn nothing_logs_a_credential_or_a_value() {
    tracing::subscriber::set_global_default(Recorder(AtomicU64::new(1))).expect("the only one");
    log::set_logger(&Plain).expect("the only one");
    log::set_max_level(log::LevelFilter::Trace);

    let by_key = table().await;
    every_operation(&impatient(&by_key).await).await;
    let sas = signature("rwdlacup", 3_600).expect("a signature");
    let by_signature = by_key.clone().credentials(Credentials::Sas(sas.clone()));
    every_operation(&impatient(&by_signature).await).await;
    let wrong = by_key.clone().credentials(Credentials::AccountKey("aHVudGVyMg==".into()));
    every_operation(&impatient(&wrong).await).await;

    let body =
        r#"{"token_type":"Bearer","expires_in":3600,"ext_expires_in":3600,"access_token":"token-hunter2"}"#;
    let tokens = answering("200 OK", "content-type: application/json\r\n", body).await;
    let letting_in = Server::start(empty_table).await;
    for url in [letting_in.url.clone(), answering("401 Unauthorized", "", "token-hunter2").await] {
        let by_token = table_at(url).credentials(Credentials::ClientSecret {
            tenant_id: "tenant".into(),
            client_id: "client".into(),
            secret: "secret-hunter2".into(),
            authority_url: Some(tokens.clone()),
        });
        every_operation(&impatient(&by_token).await).await;
    }
    let sent = letting_in.seen();
    assert!(sent.iter().any(|request| request.header("authorization") == Some("Bearer token-hunter2")));

    let log = LOG.lock().expect("no panic").clone();
    assert!(log.contains("larder"), "the handle's spans are there");
    assert!(log.contains("hyper_util"), "what goes on below is there");
    let sig = sas.split('&').find_map(|pair| pair.strip_prefix("sig=")).expect("a signature");
    let decoded = sig.replace("%3D", "=").replace("%2B", "+").replace("%2F", "/");
    for secret in [
        EMULATOR_KEY,
        "SharedKey ",
        "Bearer ",
        "token-hunter2",
        "secret-hunter2",
        "stored-hunter2",
        "c3RvcmVkLWh1bnRlcjI",
        "aHVudGVyMg",
        "sig=",
        sig,
        &decoded,
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret} was logged: {line:?}");
    }
    let authorization = log.lines().find(|line| line.to_ascii_lowercase().contains("authorization\":"));
    assert!(authorization.is_none(), "{authorization:?}");
}
