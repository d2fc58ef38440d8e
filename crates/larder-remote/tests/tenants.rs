//! A namespace behind a gateway is a wall: what is on the other side can neither be reached nor told.

mod support;

use std::sync::Arc;

use larder_core::driver::{
    BatchItem, Consistency, Driver, Effect, Projection, Read, RowKey, ScanRequest, ScanStart, Shard,
};
use larder_core::{CanonicalKey, Clock, ErrorKind, Kv, MemoryDriver, PutOptions, ScanOptions};
use larder_remote::RemoteDriver;

use support::{START, Served, clock, direct, remote};

const READ: Read = Read { projection: Projection::Full, consistency: Consistency::Strong };

/// A gateway in front of one tenant of a store of 16 shards, and a handle on the whole store.
struct Bench {
    served: Served,
    whole: Kv,
}

impl Bench {
    async fn new() -> Self {
        let whole = direct(MemoryDriver::new().shards(16), &clock(START));
        let tenant = whole.with_prefix("tenant").expect("a namespace");
        Self { served: Served::start(tenant).await, whole }
    }

    fn kv(&self) -> Kv {
        remote(&self.served.options().clock(clock(START) as Arc<dyn Clock>))
    }

    fn driver(&self) -> RemoteDriver {
        let options = self.served.options().clock(clock(START) as Arc<dyn Clock>);
        RemoteDriver::open(&options).expect("the options are right")
    }
}

fn row(key: &str) -> RowKey {
    RowKey { shard: Shard(0), key: CanonicalKey::from_canonical(key).expect("canonical") }
}

#[tokio::test]
async fn a_tenant_sees_its_own_keys_in_order_and_no_others() {
    let bench = Bench::new().await;
    for outside in ["a", "tenant", "tenant;", "tenanu:a", "tenan:a", "other:a", "zzz"] {
        bench.whole.put(outside, "outside", PutOptions::new()).await.expect("a put");
    }
    let kv = bench.kv();
    let keys: Vec<String> = (0..150).map(|number| format!("k{number:03}")).collect();
    for stored in kv.put_many(keys.iter().map(|key| (key, key)), None).await.expect("a batch") {
        stored.expect("a put");
    }
    assert_eq!(bench.whole.get_text("tenant:k007").await.expect("a read").as_deref(), Some("k007"));
    // Page by page, in the order of all sixteen shards together.
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = kv.scan_page("", ScanOptions::new().limit(40).cursor(cursor)).await.expect("a page");
        seen.extend(page.items.into_iter().map(|item| item.expect("an entry").key().to_owned()));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, keys);
    for outside in ["a", "tenant", "tenant;", "tenanu:a", "other:a", "tenant:k007"] {
        assert!(!kv.exists(outside).await.expect("a read"), "{outside}");
    }
    kv.delete("a").await.expect("a delete");
    assert_eq!(bench.whole.get_text("a").await.expect("a read").as_deref(), Some("outside"));
}

/// The cursor of another tenant, or one that was made up, shows nothing of it.
#[tokio::test]
async fn no_range_leads_over_the_wall() {
    let bench = Bench::new().await;
    for key in ["a", "other:a", "tenant:mine", "zzz"] {
        bench.whole.put(key, "1", PutOptions::new()).await.expect("a put");
    }
    let driver = bench.driver();
    let starts = ["", "!", "!layout", "\u{7f}", "~", "zzz", "\u{10ffff}"];
    let ends = ["", "!", "\u{7f}", "\u{10ffff}", "zzz"];
    for start in starts {
        for start in [ScanStart::At(start.into()), ScanStart::After(start.into())] {
            for end in ends {
                let (shard, end) = (Shard::SYSTEM, end.to_owned());
                let scan = ScanRequest {
                    shard,
                    start: start.clone(),
                    end,
                    limit: 1_000,
                    max_bytes: 1 << 20,
                    read: READ,
                };
                let reply = driver.scan(&scan).await.expect("the scan works");
                assert!(reply.rows.iter().all(|row| row.key.as_str() == "mine"), "{reply:?}");
            }
        }
    }
    let other = bench.whole.with_prefix("other").expect("a namespace");
    other.put("b", "1", PutOptions::new()).await.expect("a put");
    let cursor = other.scan_page("", ScanOptions::new().limit(1)).await.expect("a page").cursor;
    assert!(cursor.is_some());
    let page = bench.kv().scan_page("", ScanOptions::new().cursor(cursor)).await.expect("a page");
    let keys: Vec<_> = page.items.iter().map(|item| item.as_ref().expect("an entry").key()).collect();
    assert_eq!(keys, ["mine"]);
}

#[tokio::test]
async fn the_gateways_own_records_are_out_of_reach() {
    let bench = Bench::new().await;
    bench.whole.put("a", "1", PutOptions::new()).await.expect("a put");
    let driver = bench.driver();
    for name in ["!layout", "!keys:1"] {
        let error = driver.get(&row(name), READ).await.expect_err("out of reach");
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidInput, Effect::NotApplied), "{error:?}");
    }
    assert!(driver.is_empty().await.expect("a look"), "the tenant's part is");
}

/// The tenant's name counts towards the length of a key (K1). Of a batch only that position fails.
#[tokio::test]
async fn a_key_that_is_too_long_with_its_namespace_is_refused_alone() {
    let bench = Bench::new().await;
    let (longest, longer) = ("k".repeat(505), "k".repeat(506));
    let kv = bench.kv();
    kv.put(&longest, "1", PutOptions::new()).await.expect("it fits");
    let error = kv.put(&longer, "1", PutOptions::new()).await.expect_err("it does not");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("513") && error.to_string().contains("512"), "{error}");
    let stored = kv.put_many([("a", "1"), (&*longer, "2"), ("b", "3")], None).await.expect("a batch");
    assert!(matches!(&stored[..], [Ok(_), Err(_), Ok(_)]), "{stored:?}");
    let found = bench.driver().get_batch(&[row(&longer), row("b")], READ).await.expect("the batch works");
    assert!(matches!(&found[..], [BatchItem::Done(Err(_)), BatchItem::Done(Ok(Some(_)))]), "{found:?}");
}
