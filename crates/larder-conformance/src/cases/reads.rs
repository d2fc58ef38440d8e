//! Reading: fresh, cheap where it can be, and never a miss for a failure.

use larder_core::driver::{DriverError, Projection};
use larder_core::{Consistency, ErrorKind, PutOptions, ScanOptions, TouchOptions};

use crate::context::Context;
use crate::support::{entry, keys, set, text};
use crate::wrap::{Counting, Hook, Method, Scripted};

cases! {
    "reads";
    a_read_sees_every_write_before_it: G1;
    reads_are_strong_unless_asked_otherwise: G1;
    exists_does_not_transfer_the_value: G2;
    a_miss_is_not_there: G3;
    a_read_is_one_request: G1 G2 B1;
    a_failure_is_never_a_miss: G3 E1;
    the_conditions_of_writes_read_strongly: G1 P4;
}

async fn a_read_sees_every_write_before_it(context: Context) {
    let (first, second) = (context.kv().await, context.kv().await);
    for round in 0..30 {
        let (writer, reader) = if round % 2 == 0 { (&first, &second) } else { (&second, &first) };
        let value = round.to_string();
        set(writer, "put", &value).await;
        assert_eq!(text(reader, "put").await.as_ref(), Some(&value));
        assert!(writer.put_many([("many", &value)], None).await.expect("the batch works")[0].is_ok());
        let many =
            reader.get_many(["many"]).await.expect("the batch works").remove(0).expect("the read works");
        assert_eq!(many.expect("it is there").value(), value.as_bytes());
        assert_eq!(writer.increment("counter", 1, None).await.expect("it adds"), round + 1);
        assert_eq!(text(reader, "counter").await, Some((round + 1).to_string()));
        let page = reader.scan_page("put", ScanOptions::new()).await.expect("a page").into_entries();
        assert_eq!(page.expect("entries")[0].value(), value.as_bytes());
        let touched = writer.touch("put", TouchOptions::persist()).await.expect("the touch works");
        assert_eq!(Some(entry(reader, "put").await.version()), touched.version());
        set(writer, "gone", "x").await;
        assert!(reader.exists("gone").await.expect("exists works"));
        writer.delete("gone").await.expect("the delete works");
        assert!(!reader.exists("gone").await.expect("exists works"));
        assert_eq!(keys(reader, "").await, ["counter", "many", "put"]);
    }
}

async fn reads_are_strong_unless_asked_otherwise(context: Context) {
    set(&context.kv().await, "key", "1").await;
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    for (kv, consistency) in [
        (kv.clone(), Consistency::Strong),
        (kv.with_consistency(Consistency::Eventual), Consistency::Eventual),
        (
            kv.with_consistency(Consistency::Eventual).with_consistency(Consistency::Strong),
            Consistency::Strong,
        ),
    ] {
        counting.reset();
        kv.get("key").await.expect("the read works");
        kv.get_entry("key").await.expect("the read works");
        kv.exists("key").await.expect("exists works");
        kv.get_many(["key", "other"]).await.expect("the batch works");
        kv.scan_page("", ScanOptions::new()).await.expect("a page");
        kv.scan_keys_collect("", 10).await.expect("the scan works");
        assert!(counting.reads().len() >= 6);
        assert!(counting.reads().iter().all(|read| read.consistency == consistency), "{consistency:?}");
    }
}

async fn the_conditions_of_writes_read_strongly(context: Context) {
    let (counting, scripted) = (Counting::new(), Scripted::new());
    let kv = context.handle(counting.over(scripted.over(context.driver().await)));
    let kv = kv.with_consistency(Consistency::Eventual);
    set(&kv, "key", "1").await;
    context.advance(std::time::Duration::from_secs(10));
    counting.reset();
    scripted.then(Method::Write, [crate::wrap::Step::lose_reply()]);
    assert!(kv.put("key", "2", PutOptions::new()).await.expect("it is found out").is_stored());
    assert!(!counting.reads().is_empty(), "a lost reply was not looked into");
    assert!(counting.reads().iter().all(|read| read.consistency == Consistency::Strong));
}

async fn exists_does_not_transfer_the_value(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    set(&kv, "key", "1").await;
    counting.reset();
    assert!(kv.exists("key").await.expect("exists works"));
    assert!(!kv.exists("absent").await.expect("exists works"));
    assert_eq!(counting.reads().len(), 2);
    assert!(counting.reads().iter().all(|read| read.projection == Projection::Meta));
}

async fn a_miss_is_not_there(context: Context) {
    let kv = context.kv().await;
    set(&kv, "key", "1").await;
    for key in ["ke", "key ", "key\0", "Key", "k", "keyy"] {
        assert_eq!(text(&kv, key).await, None, "{key:?}");
        assert!(kv.get_entry(key).await.expect("the read works").is_none());
        assert!(!kv.exists(key).await.expect("exists works"));
        assert!(matches!(kv.get_many([key]).await.expect("the batch works")[..], [Ok(None)]));
    }
}

async fn a_read_is_one_request(context: Context) {
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    set(&kv, "key", "1").await;
    for (key, there) in [("key", true), ("absent", false)] {
        counting.reset();
        assert_eq!(kv.get(key).await.expect("the read works").is_some(), there);
        assert_eq!(counting.total(), 1);
        assert_eq!(kv.get_entry(key).await.expect("the read works").is_some(), there);
        assert_eq!(kv.exists(key).await.expect("exists works"), there);
        assert_eq!((counting.calls(Method::Get), counting.total()), (3, 3));
        kv.get_many([key, "other"]).await.expect("the batch works");
        assert_eq!(counting.total(), 4);
    }
}

async fn a_failure_is_never_a_miss(context: Context) {
    let scripted = Scripted::new();
    let mut policy = crate::context::eager();
    policy.budget = 10;
    let kv = context.builder(scripted.over(context.driver().await)).retry(policy).build();
    set(&kv, "key", "1").await;
    for kind in [
        ErrorKind::Unavailable,
        ErrorKind::Throttled,
        ErrorKind::Timeout,
        ErrorKind::NotProvisioned,
        ErrorKind::Unauthorized,
        ErrorKind::NotConfigured,
        ErrorKind::Unsupported,
        ErrorKind::Internal,
    ] {
        scripted.outage(&DriverError::refused(kind, "an outage on purpose"));
        for key in ["key", "absent"] {
            let mut errors = vec![
                kv.get(key).await.expect_err("get"),
                kv.get_entry(key).await.expect_err("get_entry"),
                kv.get_text(key).await.expect_err("get_text"),
                kv.exists(key).await.expect_err("exists"),
                kv.scan_page(key, ScanOptions::new()).await.expect_err("scan_page"),
                kv.scan_keys_page(key, ScanOptions::new()).await.expect_err("scan_keys_page"),
                kv.scan_collect(key, 5).await.expect_err("scan_collect"),
                kv.increment(key, 1, None).await.expect_err("increment"),
                kv.put(key, "", PutOptions::new().if_not_exists()).await.expect_err("put"),
                kv.touch(key, TouchOptions::persist()).await.expect_err("touch"),
                kv.check().await.expect_err("check"),
            ];
            let many = kv.get_many([key, "other"]).await.expect("a batch answers for every position");
            assert_eq!(many.len(), 2);
            errors.extend(many.into_iter().map(|found| found.expect_err("get_many")));
            let streamed: Vec<_> = futures_util::StreamExt::collect(kv.scan(key)).await;
            assert_eq!(streamed.len(), 1, "an outage ends the stream");
            errors.extend(streamed.into_iter().map(|item| item.expect_err("scan")));
            for error in errors {
                assert_eq!(error.kind(), kind, "{error}");
            }
        }
        scripted.reset();
    }
    assert_eq!(text(&kv, "key").await.as_deref(), Some("1"));
}
