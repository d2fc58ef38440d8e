//! What errors, logs and `Debug` must not show.

use larder_core::driver::{DriverError, Mutation, Projection, Read};
use larder_core::{Consistency, Error, ErrorKind, Kv, PutOptions, ScanOptions, TouchOptions, Value};

use crate::context::Context;
use crate::logs::logged;
use crate::support::{set, shown};
use crate::wrap::{Hook, Loss, Lossy, Scripted};

cases! {
    "secrecy";
    no_error_shows_a_value_or_a_key: E2 E1;
    no_debug_output_shows_a_value_or_a_key: E2 E1;
    no_log_line_shows_a_value_or_a_key: E2 E1;
    a_version_and_a_cursor_hold_no_value: E2 P2 S3;
}

const SECRET: &str = "SECRETVALUE";
/// A session's key: whoever knows it is in.
const KEY: &str = "session:KEYMATERIAL0123456789";
const KEY_SECRET: &str = "KEYMATERIAL";

fn check(text: &str, what: &str) {
    assert!(!text.contains(SECRET), "{what} shows the value: {text}");
    assert!(!text.contains(KEY_SECRET), "{what} shows the whole key: {text}");
}

fn value() -> String {
    format!("{SECRET} and more")
}

/// Does everything that there is to do with the key and the value, and returns what failed.
async fn do_everything(kv: &Kv) -> Vec<Error> {
    let mut errors = Vec::new();
    errors.extend(kv.put(KEY, value(), PutOptions::new()).await.err());
    errors.extend(kv.put(KEY, value(), PutOptions::new().if_not_exists()).await.err());
    errors.extend(kv.put_json(KEY, &value(), PutOptions::new()).await.err());
    errors.extend(kv.get(KEY).await.err());
    errors.extend(kv.get_text(KEY).await.err());
    errors.extend(kv.get_json::<Vec<u32>>(KEY).await.err());
    errors.extend(kv.exists(KEY).await.err());
    errors.extend(kv.increment(KEY, 1, None).await.err());
    errors.extend(kv.touch(KEY, TouchOptions::persist()).await.err());
    errors.extend(kv.scan_page("session:", ScanOptions::new()).await.err());
    errors.extend(kv.scan_page(KEY, ScanOptions::new()).await.err());
    errors.extend(kv.scan_page(KEY, ScanOptions::new().limit(0)).await.err());
    for results in [
        kv.put_many([(KEY, value())], None)
            .await
            .map(|all| all.into_iter().map(|one| one.map(drop)).collect::<Vec<_>>()),
        kv.get_many([KEY]).await.map(|all| all.into_iter().map(|one| one.map(drop)).collect()),
        kv.delete_many([KEY]).await,
    ] {
        match results {
            Ok(results) => errors.extend(results.into_iter().filter_map(Result::err)),
            Err(error) => errors.push(error),
        }
    }
    errors.extend(kv.delete(KEY).await.err());
    errors.extend(kv.check().await.err());
    errors.extend(kv.sweep().await.err());
    errors
}

/// Handles that get into every kind of trouble.
async fn troubled(context: &Context) -> Vec<Kv> {
    let plain = context.kv().await;
    set(&plain, "warm", "").await;
    let mut policy = crate::context::eager();
    policy.budget = 6;
    let mut handles = vec![plain];
    for kind in [
        ErrorKind::InvalidInput,
        ErrorKind::NotProvisioned,
        ErrorKind::Unauthorized,
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::Corrupt,
        ErrorKind::Internal,
    ] {
        let scripted = Scripted::new();
        scripted.outage(&DriverError::refused(kind, "an outage on purpose"));
        handles.push(context.builder(scripted.over(context.driver().await)).retry(policy.clone()).build());
    }
    let lossy = Lossy::random(context.seed(), 700, &[Loss::Before, Loss::After]);
    handles.push(context.builder(lossy.over(context.driver().await)).retry(policy).build());
    handles
}

async fn no_error_shows_a_value_or_a_key(context: Context) {
    let mut errors = Vec::new();
    for kv in troubled(&context).await {
        errors.extend(do_everything(&kv).await);
        let tenant = kv.with_prefix("tenant").expect("a namespace");
        errors.extend(do_everything(&tenant).await);
    }
    let kv = context.kv().await;
    set(&kv, KEY, value()).await;
    errors.extend(kv.increment(KEY, 1, None).await.err());
    errors.extend(kv.get_json::<u8>(KEY).await.err());
    errors.extend(kv.put(KEY, value().repeat(10_000), PutOptions::new()).await.err());
    errors.extend(kv.put(KEY.repeat(50), value(), PutOptions::new()).await.err());
    context.store().corrupt(&context.row(KEY).await).await;
    errors.extend(do_everything(&kv).await);
    context.store().corrupt(&context.row(KEY).await).await;
    errors.extend(kv.get(KEY).await.err());
    let page = kv.scan_page("", ScanOptions::new()).await.expect("a page");
    errors.extend(page.items.into_iter().filter_map(Result::err));
    assert!(errors.len() > 100, "only {} errors", errors.len());
    for error in &errors {
        check(&shown(error), "an error");
    }
}

async fn no_debug_output_shows_a_value_or_a_key(context: Context) {
    let kv = context.kv().await;
    let stored = kv.put(KEY, value(), PutOptions::new()).await.expect("the put works");
    let failed = kv.put(KEY, "x", PutOptions::new().if_not_exists()).await.expect("the put works");
    let entry = kv.get_entry(KEY).await.expect("the read works").expect("it is there");
    let page = kv.scan_page("", ScanOptions::new()).await.expect("a page");
    let infos = kv.scan_keys_page("", ScanOptions::new()).await.expect("a page");
    let cursor = {
        set(&kv, "session:x", value()).await;
        kv.scan_page("session:", ScanOptions::new().limit(1)).await.expect("a page").cursor
    };
    let many = kv.get_many([KEY]).await.expect("the batch works");
    let driver = context.driver().await;
    let row = context.row(KEY).await;
    let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
    let record = driver.get(&row, read).await.expect("the read works").expect("it is there");
    let mutation = Mutation::Put { value: value().into(), expires_at: record.expires_at, register: None };
    let value = Value::from(value());
    let info = entry.info().clone();
    for (what, text) in [
        ("an outcome", format!("{stored:?} {failed:?} {failed:#?}")),
        ("an entry", format!("{entry:?} {entry:#?} {info:?}")),
        ("a page", format!("{page:?} {page:#?} {infos:?}")),
        ("a cursor", format!("{cursor:?}")),
        ("a batch", format!("{many:?}")),
        ("a handle", format!("{kv:?} {kv:#?}")),
        ("a driver", format!("{driver:?} {driver:#?}")),
        ("a row", format!("{row:?} {row:#?}")),
        ("a record", format!("{record:?} {record:#?}")),
        ("a change", format!("{mutation:?} {mutation:#?}")),
        ("a value", format!("{value:?} {value:#?}")),
        ("the description", kv.describe()),
    ] {
        check(&text, what);
    }
}

async fn no_log_line_shows_a_value_or_a_key(context: Context) {
    let handles = troubled(&context).await;
    let mut seen = false;
    // Tracing decides once for the whole process whether a span is of interest to anybody, and may have done so while
    // another test began or ended; then it is asked again.
    for _ in 0..5 {
        let work = async {
            let mut errors = 0;
            for kv in &handles {
                errors += do_everything(kv).await.len();
            }
            errors
        };
        let (errors, log) = logged(work).await;
        assert!(errors > 50, "only {errors} errors");
        check(&log, "the log");
        seen = log.contains("db.system.name") && log.lines().count() > 50;
        if seen {
            break;
        }
    }
    assert!(seen, "the spans were not seen");
}

async fn a_version_and_a_cursor_hold_no_value(context: Context) {
    let kv = context.kv().await;
    let first = set(&kv, "key", value()).await.to_string();
    let second = set(&kv, "key", value()).await.to_string();
    assert_eq!(first.len(), second.len());
    assert!(first.len() < 120, "{} characters for a version", first.len());
    set(&kv, "key2", value().repeat(1_000)).await;
    let page = kv.scan_page("key", ScanOptions::new().limit(1)).await.expect("a page");
    let cursor = page.cursor.expect("there is more").to_string();
    // The header and the key, in base64.
    assert!(cursor.len() <= 4 * (13 + "key".len()).div_ceil(3), "{} characters for a cursor", cursor.len());
}
