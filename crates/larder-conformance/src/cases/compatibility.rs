//! Layouts that are newer, older, foreign or damaged.

use larder_core::hash::{HASH_NAME, xxh64};
use larder_core::{CanonicalKey, ErrorKind, LAYOUT_VERSION, Layout, PutOptions, ScanOptions, TouchOptions};

use crate::context::Context;
use crate::support::{keys, set, text};
use crate::wrap::{Counting, Hook, Method, Posing};

use super::layout::{is_kept_by_server, layout_row, plant, read};

cases! {
    "compatibility";
    a_newer_layout_for_old_readers_is_read: L1 L2;
    a_layout_for_newer_writers_refuses_writes: L1 L2;
    a_layout_that_is_not_understood_is_refused: L1 L2;
    a_damaged_layout_is_corrupt: L1 E3;
    the_number_of_shards_never_changes_in_place: L2;
    keys_are_spread_by_a_published_hash: L1;
}

async fn plant_layout(context: &Context, version: u16, reader: u16, writer: u16, shards: u16, hash: &str) {
    let json = format!(
        r#"{{"version":{version},"minReader":{reader},"minWriter":{writer},"shards":{shards},"hash":"{hash}","new":1}}"#
    );
    plant(context, &layout_row(), json).await;
}

/// How many shards the store has, for a layout record that fits it.
async fn shards(context: &Context) -> u16 {
    context.driver().await.info().default_shards
}

async fn a_newer_layout_for_old_readers_is_read(context: Context) {
    if is_kept_by_server(&context).await {
        return;
    }
    let next = LAYOUT_VERSION + 1;
    set(&context.kv().await, "key", "1").await;
    plant_layout(&context, next, LAYOUT_VERSION, LAYOUT_VERSION, shards(&context).await, HASH_NAME).await;
    let kv = context.kv().await;
    assert_eq!(text(&kv, "key").await.as_deref(), Some("1"));
    set(&kv, "key", "2").await;
    let record = read(&*context.driver().await, &layout_row()).await.expect("the layout record");
    let json = String::from_utf8_lossy(&record.value).into_owned();
    assert!(json.contains(r#""new":1"#), "an old program rewrote a newer layout: {json}");
}

async fn a_layout_for_newer_writers_refuses_writes(context: Context) {
    if is_kept_by_server(&context).await {
        return;
    }
    let old = context.kv().await;
    let version = set(&old, "key", "1").await;
    old.increment("counter", 1, None).await.expect("it adds");
    let next = LAYOUT_VERSION + 1;
    plant_layout(&context, next, LAYOUT_VERSION, next, shards(&context).await, HASH_NAME).await;
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    assert_eq!(text(&kv, "key").await.as_deref(), Some("1"));
    assert_eq!(keys(&kv, "").await, ["counter", "key"]);
    assert!(kv.exists("key").await.expect("exists works"));
    for error in [
        kv.put("key", "2", PutOptions::new()).await.map(drop).expect_err("put"),
        kv.put("new", "2", PutOptions::new().if_not_exists()).await.map(drop).expect_err("put"),
        kv.delete("key").await.expect_err("delete"),
        kv.delete_if_version("key", version).await.map(drop).expect_err("delete of a version"),
        kv.touch("key", TouchOptions::persist()).await.map(drop).expect_err("touch"),
        kv.increment("counter", 1, None).await.map(drop).expect_err("increment"),
        kv.put_many([("a", "1")], None).await.map(drop).expect_err("put_many"),
        kv.delete_many(["key"]).await.map(drop).expect_err("delete_many"),
        kv.sweep().await.map(drop).expect_err("sweep"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let line = error.to_string();
        let sides = [format!("layout {next}"), format!("writes layout {LAYOUT_VERSION}")];
        assert!(sides.iter().all(|side| line.contains(side)), "both sides are named: {line}");
    }
    for method in [Method::Write, Method::WriteBatch, Method::Increment, Method::Sweep] {
        assert_eq!(counting.calls(method), 0, "{method:?} was sent");
    }
}

async fn a_layout_that_is_not_understood_is_refused(context: Context) {
    if is_kept_by_server(&context).await {
        return;
    }
    let next = LAYOUT_VERSION + 1;
    let own = shards(&context).await;
    set(&context.kv().await, "key", "1").await;
    for (version, reader, shards, hash, named) in [
        (next, next, own, HASH_NAME, format!("layout {next}")),
        (900, 800, own, HASH_NAME, "layout 900".to_owned()),
        (LAYOUT_VERSION, LAYOUT_VERSION, own, "siphash", "siphash".to_owned()),
        (LAYOUT_VERSION, LAYOUT_VERSION, 0, HASH_NAME, "0 shards".to_owned()),
    ] {
        plant_layout(&context, version, reader, reader, shards, hash).await;
        let kv = context.kv().await;
        for error in [
            kv.get("key").await.map(drop).expect_err("get"),
            kv.put("key", "2", PutOptions::new()).await.map(drop).expect_err("put"),
            kv.scan_page("", ScanOptions::new()).await.map(drop).expect_err("scan"),
            kv.check().await.map(drop).expect_err("check"),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            let line = error.to_string();
            let own = format!("layout {LAYOUT_VERSION} by {HASH_NAME:?}");
            assert!(line.contains(&named) && line.contains(&own), "both sides are named: {line}");
        }
    }
}

async fn a_damaged_layout_is_corrupt(context: Context) {
    if is_kept_by_server(&context).await {
        return;
    }
    set(&context.kv().await, "key", "1").await;
    for json in ["", "{", "null", "[]", r#"{"version":1}"#, "\u{1}\u{2}"] {
        plant(&context, &layout_row(), json.to_owned()).await;
        check_damaged(&context).await;
    }
    context.store().corrupt(&layout_row()).await;
    check_damaged(&context).await;
}

async fn check_damaged(context: &Context) {
    let kv = context.kv().await;
    for error in [
        kv.get("key").await.map(drop).expect_err("get"),
        // It would mend its own record, but not this one.
        kv.put("key", "2", PutOptions::new()).await.map(drop).expect_err("put"),
        kv.scan_page("", ScanOptions::new()).await.map(drop).expect_err("scan"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains("layout"), "another record is blamed: {error}");
    }
}

async fn the_number_of_shards_never_changes_in_place(context: Context) {
    if is_kept_by_server(&context).await {
        return;
    }
    let all: Vec<String> = (0..100).map(|at| format!("k{at:03}")).collect();
    crate::support::set_many(&context.kv().await, &all).await;
    let driver = context.driver().await;
    let before = read(&*driver, &layout_row()).await;
    // A program that would give new stores another number of shards.
    for shards in [1, 2, driver.info().default_shards * 2] {
        let posing = Posing::new().shards(shards).ready();
        let kv = context.handle(posing.over(context.driver().await));
        assert_eq!(keys(&kv, "").await, all, "by a program for {shards} shards");
        assert_eq!(text(&kv, "k050").await.as_deref(), Some("k050"));
        set(&kv, "k050", "k050").await;
        kv.delete("k100").await.expect("the delete works");
    }
    assert_eq!(keys(&context.kv().await, "").await, all);
    assert_eq!(read(&*driver, &layout_row()).await, before, "the layout was changed");
}

async fn keys_are_spread_by_a_published_hash(context: Context) {
    // The test vectors of XXH64 with seed 0.
    assert_eq!(HASH_NAME, "xxh64");
    for (text, hash) in [
        ("", 0xEF46_DB37_51D8_E999),
        ("a", 0xD24E_C4F1_A98C_6E5B),
        ("abc", 0x44BC_2CF5_AD77_0999),
        ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1_u64),
    ] {
        assert_eq!(xxh64(text.as_bytes()), hash, "{text:?}");
    }
    let key = CanonicalKey::from_canonical("abc").expect("canonical");
    for shards in [1, 4, 16, 1_000] {
        let expected = 0x44BC_2CF5_AD77_0999_u64 % u64::from(shards);
        assert_eq!(u64::from(Layout::new(shards).shard_of(&key).0), expected);
    }
    // The rows are where the hash says.
    let kv = context.kv().await;
    let driver = context.driver().await;
    for key in ["a", "abc", "user:1", "é/~"] {
        set(&kv, key, key).await;
        let row = context.row(key).await;
        let record = read(&*driver, &row).await.expect("the row is where the hash says");
        assert_eq!(&record.value[..], key.as_bytes());
    }
}
