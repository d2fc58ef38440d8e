//! Errors: their kind, what they name, and records that cannot be decoded.

use std::error::Error as _;

use larder_core::driver::{DriverError, Projection, Read};
use larder_core::{Consistency, ErrorKind, Kv, Operation, PutOptions, ScanOptions, TouchOptions};

use crate::context::Context;
use crate::support::{entry, keys, ms, next_turn, secs, set, set_for, text};
use crate::wrap::{Hook, Scripted};

cases! {
    "errors";
    an_error_names_what_failed: E1;
    an_error_keeps_its_cause: E1;
    a_corrupt_record_fails_its_read: E3 E1;
    a_scan_gives_a_corrupt_record_in_its_place: E3 S1 S2;
    a_batch_gives_a_corrupt_record_in_its_place: E3 B1;
    a_condition_on_a_corrupt_record_is_an_error: E3 P1 C1;
    an_unconditional_put_mends_a_corrupt_record: E3;
    an_unconditional_delete_mends_a_corrupt_record: E3;
    a_driver_tells_a_corrupt_record_from_none: E3 G3;
}

async fn an_error_names_what_failed(context: Context) {
    let scripted = Scripted::new();
    let kv = context.builder(scripted.over(context.driver().await)).binding("cache").build();
    set(&kv, "warm", "").await;
    scripted.outage(&DriverError::refused(ErrorKind::Unauthorized, "the credentials are refused"));
    let key = "session:0123456789abcdef";
    for (operation, error) in [
        (Operation::Get, kv.get(key).await.map(drop).expect_err("get")),
        (Operation::Exists, kv.exists(key).await.map(drop).expect_err("exists")),
        (Operation::Put, kv.put(key, "", PutOptions::new()).await.map(drop).expect_err("put")),
        (Operation::Delete, kv.delete(key).await.expect_err("delete")),
        (Operation::Touch, kv.touch(key, TouchOptions::persist()).await.map(drop).expect_err("touch")),
        (Operation::Increment, kv.increment(key, 1, None).await.map(drop).expect_err("increment")),
        (
            Operation::GetMany,
            kv.get_many([key]).await.expect("the batch works").remove(0).map(drop).expect_err("many"),
        ),
        (
            Operation::PutMany,
            kv.put_many([(key, "")], None)
                .await
                .expect("the batch works")
                .remove(0)
                .map(drop)
                .expect_err("many"),
        ),
        (
            Operation::DeleteMany,
            kv.delete_many([key]).await.expect("the batch works").remove(0).expect_err("many"),
        ),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert_eq!(error.operation(), Some(operation));
        assert_eq!((error.binding(), error.key()), (Some("cache"), Some(key)));
        assert!(!error.is_retryable());
        let line = error.to_string();
        for part in [operation.as_str(), "cache", "session:", "unauthorized", "the credentials are refused"] {
            assert!(line.contains(part), "{part:?} is missing: {line}");
        }
        assert!(!line.contains('\n') && !line.contains("abcdef"), "{line}");
    }
    let error = kv.scan_page("", ScanOptions::new()).await.expect_err("scan");
    assert_eq!(
        (error.operation(), error.binding(), error.key()),
        (Some(Operation::Scan), Some("cache"), None)
    );
    // Whole keys on request.
    let kv = context.builder(scripted.over(context.driver().await)).show_full_keys().build();
    let line = kv.get(key).await.expect_err("get").to_string();
    assert!(line.contains(key), "{line}");
}

async fn an_error_keeps_its_cause(context: Context) {
    let scripted = Scripted::new();
    let kv = context.handle(scripted.over(context.driver().await));
    set(&kv, "key", "").await;
    let cause = std::io::Error::other("the root cause");
    scripted.outage(&DriverError::refused(ErrorKind::Internal, "it went wrong").with_source(cause));
    for error in [
        kv.get("key").await.map(drop).expect_err("get"),
        kv.put("key", "", PutOptions::new()).await.map(drop).expect_err("put"),
        kv.scan_page("", ScanOptions::new()).await.map(drop).expect_err("scan"),
        kv.increment("key", 1, None).await.map(drop).expect_err("increment"),
        kv.get_many(["key"]).await.expect("the batch works").remove(0).map(drop).expect_err("many"),
    ] {
        let source = error.source().expect("the cause");
        assert_eq!(source.to_string(), "the root cause");
    }
}

/// A store with a corrupt record between two good ones.
async fn with_corrupt(context: &Context, key: &str) -> Kv {
    let kv = context.kv().await;
    for key in ["a", key, "z"] {
        set(&kv, key, key).await;
    }
    context.store().corrupt(&context.row(key).await).await;
    kv
}

async fn a_corrupt_record_fails_its_read(context: Context) {
    let kv = with_corrupt(&context, "m").await;
    for error in [
        kv.get("m").await.map(drop).expect_err("get"),
        kv.get_entry("m").await.map(drop).expect_err("get_entry"),
        kv.get_text("m").await.map(drop).expect_err("get_text"),
    ] {
        assert_eq!((error.kind(), error.key()), (ErrorKind::Corrupt, Some("m")), "{error}");
        assert!(!error.is_retryable());
    }
    // Whether it is there can be told without its value on some platforms; it is never said to be absent.
    match kv.exists("m").await {
        Ok(there) => assert!(there, "a corrupt record is passed over in silence"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
    }
    // One that was never there before, too.
    context.store().corrupt(&context.row("planted").await).await;
    assert_eq!(kv.get("planted").await.expect_err("get").kind(), ErrorKind::Corrupt);
    for key in ["a", "z"] {
        assert_eq!(text(&kv, key).await.as_deref(), Some(key));
    }
}

async fn a_scan_gives_a_corrupt_record_in_its_place(context: Context) {
    let kv = with_corrupt(&context, "m").await;
    let shown = |item: &Result<larder_core::Entry, larder_core::Error>| match item {
        Ok(entry) => entry.key().to_owned(),
        Err(error) => format!("{} {}", error.kind(), error.key().expect("the key")),
    };
    let expected = ["a", "corrupt m", "z"];
    for limit in [1, 2, 3, 100] {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page =
                kv.scan_page("", ScanOptions::new().limit(limit).cursor(cursor)).await.expect("a page");
            assert!(page.items.len() <= limit);
            found.extend(page.items.iter().map(shown));
            next_turn().await;
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "pages of {limit}");
    }
    let streamed: Vec<_> = futures_util::StreamExt::collect(kv.scan("")).await;
    assert_eq!(streamed.iter().map(shown).collect::<Vec<_>>(), expected);
    let collected = kv.scan_collect("", 10).await.expect("the scan works");
    assert_eq!(collected.items.iter().map(shown).collect::<Vec<_>>(), expected);
    assert_eq!(collected.into_entries().expect_err("one is corrupt").kind(), ErrorKind::Corrupt);
    // Among keys alone, where the platform does not look at the value, it may look whole; it is never left out.
    let infos = kv.scan_keys_collect("", 10).await.expect("the scan works");
    assert_eq!(infos.items.len(), 3);
    for item in infos.items {
        match item {
            Ok(info) => assert!(["a", "m", "z"].contains(&info.key())),
            Err(error) => assert_eq!((error.kind(), error.key()), (ErrorKind::Corrupt, Some("m"))),
        }
    }
    // In a namespace the key is relative.
    let tenant = kv.with_prefix("tenant").expect("a namespace");
    set(&tenant, "x", "").await;
    context.store().corrupt(&context.row("tenant:x").await).await;
    let page = tenant.scan_page("", ScanOptions::new()).await.expect("a page");
    assert_eq!(page.items.iter().map(shown).collect::<Vec<_>>(), ["corrupt x"]);
}

async fn a_batch_gives_a_corrupt_record_in_its_place(context: Context) {
    let kv = with_corrupt(&context, "m").await;
    let found =
        kv.get_many(["z", "m", "absent", "a", "m"]).await.expect("a batch answers for every position");
    let found: Vec<_> = found
        .iter()
        .map(|found| match found {
            Ok(Some(entry)) => entry.key().to_owned(),
            Ok(None) => "none".to_owned(),
            Err(error) => format!("{} {}", error.kind(), error.key().expect("the key")),
        })
        .collect();
    assert_eq!(found, ["z", "corrupt m", "none", "a", "corrupt m"]);
}

async fn a_condition_on_a_corrupt_record_is_an_error(context: Context) {
    let kv = context.kv().await;
    let version = set(&kv, "m", "1").await;
    context.store().corrupt(&context.row("m").await).await;
    let persist = TouchOptions::persist();
    for error in [
        kv.put("m", "2", PutOptions::new().if_not_exists()).await.map(drop).expect_err("IfAbsent"),
        kv.put("m", "2", PutOptions::new().if_version(version.clone()))
            .await
            .map(drop)
            .expect_err("IfVersion"),
        kv.touch("m", persist.clone()).await.map(drop).expect_err("touch"),
        kv.touch("m", persist.if_version(version.clone())).await.map(drop).expect_err("touch of a version"),
        kv.delete_if_version("m", version).await.map(drop).expect_err("delete of a version"),
        kv.increment("m", 1, None).await.map(drop).expect_err("increment"),
    ] {
        assert_eq!((error.kind(), error.key()), (ErrorKind::Corrupt, Some("m")), "{error}");
    }
    assert_eq!(kv.get("m").await.expect_err("it is corrupt still").kind(), ErrorKind::Corrupt);
}

async fn an_unconditional_put_mends_a_corrupt_record(context: Context) {
    let kv = with_corrupt(&context, "m").await;
    let version = set_for(&kv, "m", "mended", secs(60)).await;
    let mended = entry(&kv, "m").await;
    assert_eq!(
        (&mended.value()[..], mended.version(), mended.ttl()),
        (&b"mended"[..], &version, Some(secs(60)))
    );
    assert_eq!(keys(&kv, "").await, ["a", "m", "z"]);
    context.store().corrupt(&context.row("m").await).await;
    let put = kv.put_many([("a", "1"), ("m", "1"), ("z", "1")], None).await.expect("the batch works");
    assert!(put.iter().all(Result::is_ok), "{put:?}");
    assert_eq!(kv.increment("m", 1, None).await.expect("it adds"), 2);
    // It expires and is swept like any other.
    set_for(&kv, "m", "mended", ms(1)).await;
    context.advance(ms(1));
    kv.sweep().await.expect("the sweep works");
    assert_eq!(keys(&kv, "").await, ["a", "z"]);
}

async fn an_unconditional_delete_mends_a_corrupt_record(context: Context) {
    let kv = with_corrupt(&context, "m").await;
    kv.delete("m").await.expect("the delete works");
    assert_eq!(text(&kv, "m").await, None);
    assert_eq!(keys(&kv, "").await, ["a", "z"]);
    context.store().corrupt(&context.row("m").await).await;
    let deleted = kv.delete_many(["m", "a"]).await.expect("the batch works");
    assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    assert_eq!(keys(&kv, "").await, ["z"]);
    crate::support::put(&kv, "m", "again", PutOptions::new().if_not_exists()).await;
}

async fn a_driver_tells_a_corrupt_record_from_none(context: Context) {
    set(&context.kv().await, "warm", "").await;
    let driver = context.driver().await;
    let row = context.row("m").await;
    let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
    assert_eq!(driver.get(&row, read).await.expect("the read works"), None);
    context.store().corrupt(&row).await;
    let error = driver.get(&row, read).await.expect_err("it is corrupt");
    assert_eq!(error.kind, ErrorKind::Corrupt, "{error:?}");
    let batch = driver.get_batch(std::slice::from_ref(&row), read).await.expect("the batch works");
    assert_eq!(batch.len(), 1);
    let position = batch.into_iter().next().expect("one answer");
    let larder_core::driver::BatchItem::Done(Err(error)) = position else {
        panic!("a corrupt record in a batch: {position:?}");
    };
    assert_eq!(error.kind, ErrorKind::Corrupt, "{error:?}");
}
