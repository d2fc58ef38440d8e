//! Versions: opaque, bound to their key, and never the same twice.

use std::collections::HashSet;

use larder_core::{ErrorKind, PutOptions, TouchOptions, Version};

use crate::context::Context;
use crate::support::{entry, ms, put, secs, set, set_for, text};
use crate::wrap::{Counting, Hook};

cases! {
    "versions";
    every_write_makes_another_version: P2 T5;
    a_key_made_again_has_another_version: P2;
    a_version_survives_as_text: P2;
    a_version_belongs_to_its_key: P2 K5;
    every_way_of_reading_shows_the_same_version: P2 P1;
    an_expired_version_is_refused_without_a_request: P2 T2;
    damaged_versions_are_refused: P2;
}

async fn every_write_makes_another_version(context: Context) {
    let kv = context.kv().await;
    let mut seen = HashSet::new();
    let mut note = |what: &str, version: Version| {
        assert!(seen.insert(version), "{what} left a version that was there before");
    };
    note("the first put", set(&kv, "key", "1").await);
    for _ in 0..3 {
        // The same value, the same lifetime, the same millisecond.
        note("a put", set(&kv, "key", "1").await);
        note("a put with a TTL", set_for(&kv, "key", "1", secs(9)).await);
        let touched = kv.touch("key", TouchOptions::expire_after(secs(9))).await.expect("the touch works");
        note("a touch", touched.version().expect("touched").clone());
        kv.increment("key", 0, None).await.expect("it adds");
        note("an addition of nothing", entry(&kv, "key").await.version().clone());
        let many = kv.put_many([("key", "1")], None).await.expect("the batch works").remove(0);
        note("a batch", many.expect("the put works"));
    }
}

async fn a_key_made_again_has_another_version(context: Context) {
    let kv = context.kv().await;
    let mut old = Vec::new();
    for round in 0..4 {
        old.push(put(&kv, "key", "same", PutOptions::new().if_not_exists()).await);
        match round {
            0 => kv.delete("key").await.expect("the delete works"),
            1 => drop(kv.delete_many(["key"]).await.expect("the batch works")),
            2 => {
                let version = entry(&kv, "key").await.version().clone();
                assert!(kv.delete_if_version("key", version).await.expect("the delete works").is_deleted());
            }
            _ => {}
        }
    }
    let last = old.pop().expect("versions");
    for version in old {
        let outcome =
            kv.put("key", "x", PutOptions::new().if_version(version.clone())).await.expect("the put works");
        assert!(!outcome.is_stored(), "a version from before a delete holds again");
        assert!(!kv.delete_if_version("key", version).await.expect("the delete works").is_deleted());
    }
    assert_eq!(entry(&kv, "key").await.version(), &last);
}

async fn a_version_survives_as_text(context: Context) {
    let kv = context.kv().await;
    for ttl in [None, Some(ms(1)), Some(secs(86_400))] {
        let mut options = PutOptions::new();
        options.ttl = ttl;
        let version = put(&kv, "a long key with: ~ and ü", "value SECRET", options).await;
        let text = version.to_string();
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        assert!(plain, "not URL-safe: {text}");
        let read: Version = text.parse().expect("a version");
        assert_eq!(read, version);
        // In another process.
        let second = context.kv().await;
        put(&second, "a long key with: ~ and ü", "new", PutOptions::new().if_version(read)).await;
    }
}

async fn a_version_belongs_to_its_key(context: Context) {
    let kv = context.kv().await;
    let tenant = kv.with_prefix("tenant").expect("a namespace");
    let version = set(&kv, "key", "1").await;
    set(&kv, "other", "1").await;
    set(&tenant, "key", "1").await;
    let counting = Counting::new();
    let counted = context.handle(counting.over(context.driver().await));
    counted.exists("key").await.expect("exists works");
    counting.reset();
    let tenant = counted.with_prefix("tenant").expect("a namespace");
    for (kv, key) in [(&counted, "other"), (&counted, "absent"), (&tenant, "key")] {
        let version = || version.clone();
        for error in [
            kv.put(key, "2", PutOptions::new().if_version(version())).await.expect_err("put"),
            kv.touch(key, TouchOptions::persist().if_version(version())).await.expect_err("touch"),
            kv.delete_if_version(key, version()).await.expect_err("delete"),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
    }
    assert_eq!(counting.total(), 0, "a request was sent");
    // The same row by another name is the same key.
    let version = entry(&tenant, "key").await.version().clone();
    put(&kv, "tenant:key", "2", PutOptions::new().if_version(version)).await;
}

async fn every_way_of_reading_shows_the_same_version(context: Context) {
    let kv = context.kv().await;
    for options in [PutOptions::new(), PutOptions::new().ttl(secs(60))] {
        let version = put(&kv, "key", "1", options).await;
        assert_eq!(entry(&kv, "key").await.version(), &version);
        let many = kv.get_many(["key"]).await.expect("the batch works").remove(0).expect("the read works");
        assert_eq!(many.expect("it is there").version(), &version);
        let page = kv.scan_collect("", 10).await.expect("the scan works").into_entries().expect("entries");
        assert_eq!(page[0].version(), &version);
        let infos =
            kv.scan_keys_collect("", 10).await.expect("the scan works").into_entries().expect("entries");
        assert_eq!(infos[0].version(), &version);
        let outcome = kv.put("key", "x", PutOptions::new().if_not_exists()).await.expect("the put works");
        assert_eq!(outcome.existing().expect("shown").version(), &version);
    }
}

async fn an_expired_version_is_refused_without_a_request(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    let version = set_for(&kv, "key", "1", ms(1_000)).await;
    // The version says when its entry expires, also after it came back as text.
    let version: Version = version.to_string().parse().expect("a version");
    context.advance(ms(999));
    counting.reset();
    let touched = kv.touch("key", TouchOptions::persist().if_version(version.clone())).await;
    let persisted = touched.expect("the touch works").version().expect("1 ms before, it holds").clone();
    assert!(counting.total() > 0);
    context.advance(ms(1));
    counting.reset();
    let put = kv.put("key", "2", PutOptions::new().if_version(version.clone())).await.expect("the put works");
    let options = TouchOptions::persist().if_version(version.clone());
    let touch = kv.touch("key", options).await.expect("the touch works");
    let delete = kv.delete_if_version("key", version).await.expect("the delete works");
    assert!(!put.is_stored() && !touch.is_touched() && !delete.is_deleted());
    assert_eq!(counting.total(), 0, "a request was sent for an expired version");
    assert_eq!(text(&kv, "key").await.as_deref(), Some("1"));
    put_over(&kv, persisted).await;
}

async fn put_over(kv: &larder_core::Kv, version: Version) {
    put(kv, "key", "3", PutOptions::new().if_version(version)).await;
}

async fn damaged_versions_are_refused(context: Context) {
    let kv = context.kv().await;
    let text = set(&kv, "key", "1").await.to_string();
    let mut damaged =
        vec![String::new(), "x".to_owned(), format!("{text}!"), format!(" {text}"), "A".repeat(40)];
    damaged.extend((0..20).map(|end| text[..end].to_owned()));
    for damaged in damaged {
        let error = damaged.parse::<Version>().expect_err("no version");
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{damaged}");
    }
    // One that reads, but names another state, holds for nothing.
    let other = set(&kv, "key", "2").await.to_string();
    let mixed: String = text[..text.len() - 4].chars().chain(other[other.len() - 4..].chars()).collect();
    if let Ok(version) = mixed.parse::<Version>()
        && mixed != other
    {
        let outcome = kv.put("key", "x", PutOptions::new().if_version(version)).await.expect("the put works");
        assert!(!outcome.is_stored());
    }
}
