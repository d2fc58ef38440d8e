//! Handles on a part of a store.

use larder_core::driver::{
    BatchItem, Driver, DriverError, Effect, Guard, Increment, LayoutKeeper, Mutation, Projection, Read,
    RowKey, ScanRequest, ScanStart, Shard, Write,
};
use larder_core::record::WriteStamp;
use larder_core::{CanonicalKey, Consistency, ErrorKind, Expiry, Kv, ScanOptions};

use crate::context::Context;
use crate::support::{entry, keys, set, sorted, text};

cases! {
    "namespaces";
    namespaces_do_not_overlap: K5;
    everything_in_a_namespace_is_relative_to_it: K5 S3;
    a_namespace_reaches_nothing_outside: K5;
    internal_records_are_out_of_reach: K5 L1;
    names_of_internal_records_are_ordinary_keys: K1 K5;
    the_name_of_a_namespace_is_no_key_in_it: K5 S3;
}

fn part(kv: &Kv, id: &str) -> Kv {
    kv.with_prefix(id).expect("a namespace")
}

async fn namespaces_do_not_overlap(context: Context) {
    let kv = context.kv().await;
    let parts =
        [part(&kv, "a"), part(&kv, "ab"), part(&kv, "a-b"), part(&part(&kv, "a"), "b"), part(&kv, "A")];
    for (at, part) in parts.iter().enumerate() {
        set(part, "key", format!("in {at}")).await;
        set(part, "b", format!("b in {at}")).await;
    }
    for (at, part) in parts.iter().enumerate() {
        assert_eq!(text(part, "key").await, Some(format!("in {at}")));
        // `a` holds what is in `a:b` too: it is nested there, not beside it.
        let expected = if at == 0 { vec!["b", "b:b", "b:key", "key"] } else { vec!["b", "key"] };
        assert_eq!(keys(part, "").await, expected, "namespace {at}");
    }
    // The colon at the end may be given, and means the same.
    assert_eq!(text(&part(&kv, "ab:"), "key").await.as_deref(), Some("in 1"));
}

async fn everything_in_a_namespace_is_relative_to_it(context: Context) {
    let kv = context.kv().await;
    let tenant = part(&kv, "tenant");
    for key in ["x/1", "x/2", "x/3", "y"] {
        set(&tenant, key, key).await;
    }
    assert_eq!(entry(&tenant, "x/1").await.key(), "x/1");
    assert_eq!(entry(&kv, "tenant:x/1").await.value(), "x/1");
    let first = tenant.scan_page("x/", ScanOptions::new().limit(2)).await.expect("a page");
    let found: Vec<_> = first.items.iter().map(|item| item.as_ref().expect("an entry").key()).collect();
    assert_eq!(found, ["x/1", "x/2"]);
    let cursor = first.cursor.expect("there is more");
    let rest = tenant.scan_keys_page("x/", ScanOptions::new().cursor(cursor.clone())).await.expect("a page");
    assert_eq!(rest.into_entries().expect("entries")[0].key(), "x/3");
    // The same position, in another namespace and at the root.
    let other = part(&kv, "other");
    set(&other, "x/2", "").await;
    set(&other, "x/9", "").await;
    set(&kv, "x/25", "").await;
    for (kv, expected) in [(&other, "x/9"), (&kv, "x/25")] {
        let rest = kv.scan_keys_page("x/", ScanOptions::new().cursor(cursor.clone())).await.expect("a page");
        let rest = rest.into_entries().expect("entries");
        assert_eq!(rest.iter().map(larder_core::EntryInfo::key).collect::<Vec<_>>(), [expected]);
    }
}

async fn a_namespace_reaches_nothing_outside(context: Context) {
    let kv = context.kv().await;
    let tenant = part(&kv, "tenant");
    set(&kv, "outside", "1").await;
    set(&kv, "tenant", "1").await;
    set(&kv, "tenant;", "1").await;
    set(&kv, "tenanu:key", "1").await;
    set(&tenant, "key", "2").await;
    assert_eq!(keys(&tenant, "").await, ["key"]);
    for key in ["outside", "../outside", "tenant", ":outside"] {
        assert!(!tenant.exists(key).await.expect("exists works"), "{key}");
        tenant.delete(key).await.expect("the delete works");
        assert_eq!(tenant.increment(key, 5, None).await.expect("it adds"), 5, "{key}");
        tenant.delete(key).await.expect("the delete works");
    }
    // A cursor from outside grants nothing.
    let page = kv.scan_keys_page("", ScanOptions::new().limit(1)).await.expect("a page");
    let inside = tenant.scan_keys_page("", ScanOptions::new().cursor(page.cursor)).await.expect("a page");
    for info in inside.into_entries().expect("entries") {
        assert_eq!(info.key(), "key");
    }
    assert_eq!(text(&kv, "outside").await.as_deref(), Some("1"));
    assert_eq!(keys(&kv, "").await, sorted(["outside", "tenant", "tenant:key", "tenant;", "tenanu:key"]));
}

async fn internal_records_are_out_of_reach(context: Context) {
    let kv = context.kv().await;
    if context.driver().await.info().layout == LayoutKeeper::Server {
        return out_of_reach_behind_a_server(&context, &kv).await;
    }
    let internal = kv.system("keys").expect("a namespace");
    set(&internal, "secret", "internal").await;
    set(&kv, "user", "1").await;
    for prefix in ["", "!", "!keys:", "k", "~21", "\u{0}", "-"] {
        let expected: &[&str] = if prefix.is_empty() { &["user"] } else { &[] };
        assert_eq!(keys(&kv, prefix).await, expected, "prefix {prefix:?}");
        let page = kv.scan_page(prefix, ScanOptions::new().limit(1_000)).await.expect("a page");
        assert_eq!(page.items.len(), expected.len(), "prefix {prefix:?}");
    }
    for key in ["!layout", "!keys:secret", "keys:secret", "secret", "!sweep:lease", "sweep:lease"] {
        assert_eq!(text(&kv, key).await, None, "{key}");
        kv.delete(key).await.expect("the delete works");
        let found = kv.get_many([key]).await.expect("the batch works");
        assert!(matches!(found[..], [Ok(None)]), "{key}");
    }
    assert_eq!(text(&internal, "secret").await.as_deref(), Some("internal"));
    assert_eq!(keys(&internal, "").await, ["secret"]);
    // A part of `system` is as closed as any.
    assert_eq!(keys(&kv.system("scripts").expect("a namespace"), "").await, Vec::<String>::new());
    assert_eq!(text(&context.kv().await, "user").await.as_deref(), Some("1"), "the layout was harmed");
}

/// A server has records of its own, and lets nobody at them: neither by a handle nor by what a handle asks its driver.
async fn out_of_reach_behind_a_server(context: &Context, kv: &Kv) {
    set(kv, "user", "1").await;
    let error = kv.system("keys").expect_err("the server's own");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let driver = context.driver().await;
    let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
    for name in ["!layout", "!keys:secret", "!sweep:lease"] {
        let key = CanonicalKey::from_canonical(name).expect("canonical");
        for shard in [Shard(0), Shard::SYSTEM] {
            let row = RowKey { shard, key: key.clone() };
            let write = Write {
                mutation: Mutation::Delete,
                guard: Guard::Always,
                stamp: WriteStamp::new(context.now()),
            };
            let adding = Increment { delta: 1, expires_at: Expiry::NEVER, stamp: write.stamp };
            for error in [
                driver.get(&row, read).await.map(drop).expect_err("get"),
                only(driver.get_batch(std::slice::from_ref(&row), read).await),
                driver.write(&row, &write, context.now()).await.map(drop).expect_err("write"),
                only(driver.write_batch(&[(row.clone(), write)], context.now()).await),
                driver.increment(&row, &adding, context.now()).await.map(drop).expect_err("increment"),
            ] {
                assert_eq!(
                    (error.kind, error.effect),
                    (ErrorKind::InvalidInput, Effect::NotApplied),
                    "{error:?}"
                );
            }
        }
    }
    for start in [ScanStart::At(String::new()), ScanStart::At("!".into()), ScanStart::After("!a".into())] {
        let (shard, end) = (Shard::SYSTEM, char::MAX.to_string());
        let scan = ScanRequest { shard, start, end, limit: 1_000, max_bytes: 1 << 20, read };
        let reply = driver.scan(&scan).await.expect("the scan works");
        let found: Vec<_> = reply.rows.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(found, ["user"]);
    }
    assert_eq!(text(&context.kv().await, "user").await.as_deref(), Some("1"), "the layout was harmed");
}

/// The error of a batch's only position.
fn only<T>(items: Result<Vec<BatchItem<T>>, DriverError>) -> DriverError {
    match items.expect("the batch works").pop() {
        Some(BatchItem::Done(Err(error))) => error,
        _ => panic!("the position was answered"),
    }
}

async fn names_of_internal_records_are_ordinary_keys(context: Context) {
    let kv = context.kv().await;
    let names = ["!layout", "!sweep", "!sweep:lease", "!", "!!"];
    for name in names {
        set(&kv, name, name).await;
    }
    assert_eq!(keys(&kv, "").await, sorted(names));
    assert_eq!(keys(&kv, "!").await, sorted(names));
    // Another process opens the store by the true layout record.
    let second = context.kv().await;
    for name in names {
        assert_eq!(text(&second, name).await.as_deref(), Some(name));
        second.delete(name).await.expect("the delete works");
    }
    set(&context.kv().await, "after", "").await;
    assert_eq!(keys(&kv, "").await, ["after"]);
}

async fn the_name_of_a_namespace_is_no_key_in_it(context: Context) {
    let kv = context.kv().await;
    set(&kv, "cart:", "of the whole store").await;
    let cart = part(&kv, "cart");
    set(&cart, "a", "1").await;
    set(&cart, "b", "2").await;
    assert_eq!(keys(&cart, "").await, ["a", "b"]);
    let page = cart.scan_page("", ScanOptions::new().limit(1)).await.expect("a page");
    let cursor = page.cursor.expect("there is more").to_string().parse().expect("a cursor");
    let rest = cart.scan_page("", ScanOptions::new().cursor(Some(cursor))).await.expect("a page");
    assert_eq!(rest.into_entries().expect("entries")[0].key(), "b");
    assert_eq!(keys(&kv, "cart:").await, ["cart:", "cart:a", "cart:b"]);
}
