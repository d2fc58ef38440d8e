//! What a server lets others at: nothing but the handle's own part, in one order.

use std::sync::Arc;

use super::{ASTRAY, OneShard};
use crate::driver::{
    BatchItem, Consistency, Driver, Effect, Guard, LayoutKeeper, Mutation, Projection, Read, Reaper, RowKey,
    ScanReply, ScanRequest, ScanStart, Shard, Write,
};
use crate::error::ErrorKind;
use crate::key::CanonicalKey;
use crate::kv::Kv;
use crate::layout::{LAYOUT_RECORD, Layout, layout_row};
use crate::memory::MemoryDriver;
use crate::options::PutOptions;
use crate::record::WriteStamp;
use crate::time::{Expiry, Timestamp};

const READ: Read = Read { projection: Projection::Full, consistency: Consistency::Strong };

fn key(text: &str) -> CanonicalKey {
    CanonicalKey::from_canonical(text).expect("canonical")
}

fn row(text: &str) -> RowKey {
    RowKey { shard: Shard(0), key: key(text) }
}

fn put(value: &'static str) -> Write {
    let mutation = Mutation::Put { value: value.into(), expires_at: Expiry::NEVER, register: None };
    Write { mutation, guard: Guard::Always, stamp: WriteStamp::new(Timestamp::from_millis(1)) }
}

fn scan(start: ScanStart, limit: usize) -> ScanRequest {
    ScanRequest { shard: Shard(0), start, end: "\u{7f}".into(), limit, max_bytes: 1 << 20, read: READ }
}

fn keys(reply: &ScanReply) -> Vec<&str> {
    reply.rows.iter().map(|row| row.key.as_str()).collect()
}

/// A store of so many shards, and a tenant of it as one.
async fn tenant(shards: u16) -> (MemoryDriver, Kv, OneShard) {
    let driver = MemoryDriver::new().shards(shards);
    let kv = Kv::new(driver.clone());
    let tenant = kv.with_prefix("tenant").expect("a namespace").one_shard().await.expect("it opens");
    (driver, kv, tenant)
}

#[tokio::test]
async fn a_scan_is_one_round_on_all_shards_in_one_order() {
    let (_, kv, tenant) = tenant(16).await;
    let all: Vec<String> = (0..200).map(|number| format!("k{number:03}")).collect();
    for key in &all {
        tenant.write(&row(key), &put("v"), Timestamp::from_millis(1)).await.expect("a write");
        kv.put(key, "outside", PutOptions::new()).await.expect("a put");
    }
    let (mut seen, mut start, mut rounds) = (Vec::new(), ScanStart::At(String::new()), 0);
    loop {
        let reply = tenant.scan(&scan(start, 50)).await.expect("a scan");
        rounds += 1;
        seen.extend(keys(&reply).into_iter().map(str::to_owned));
        match reply.rows.last() {
            Some(last) if reply.more => start = ScanStart::After(last.key.clone()),
            _ => break,
        }
    }
    assert_eq!(seen, all);
    assert!(rounds < 10, "{rounds} rounds for four pages");
}

#[tokio::test]
async fn a_scan_keeps_to_its_bytes() {
    let (_, _, tenant) = tenant(4).await;
    for number in 0..20 {
        let write = put("ten bytes!");
        tenant
            .write(&row(&format!("k{number:02}")), &write, Timestamp::from_millis(1))
            .await
            .expect("a write");
    }
    let few = ScanRequest { max_bytes: 25, ..scan(ScanStart::At(String::new()), 100) };
    let reply = tenant.scan(&few).await.expect("a scan");
    assert_eq!((keys(&reply), reply.more), (vec!["k00", "k01", "k02"], true));
}

#[tokio::test]
async fn no_call_leaves_the_namespace() {
    let (_, kv, tenant) = tenant(4).await;
    kv.put("mine", "outside", PutOptions::new()).await.expect("a put");
    kv.put("other:mine", "outside", PutOptions::new()).await.expect("a put");
    assert!(tenant.is_empty().await.expect("a look"));
    assert_eq!(tenant.get(&row("mine"), READ).await.expect("a read"), None);
    tenant.write(&row("mine"), &put("inside"), Timestamp::from_millis(1)).await.expect("a write");
    assert_eq!(kv.get_text("tenant:mine").await.expect("a read").as_deref(), Some("inside"));
    assert_eq!(kv.get_text("mine").await.expect("a read").as_deref(), Some("outside"));
    let found = tenant.get_batch(&[row("mine"), row("other:mine")], READ).await.expect("a batch");
    assert!(matches!(&found[..], [BatchItem::Done(Ok(Some(_))), BatchItem::Done(Ok(None))]), "{found:?}");
}

#[tokio::test]
async fn records_of_larders_own_are_out_of_reach() {
    let (driver, kv, tenant) = tenant(4).await;
    let whole = kv.one_shard().await.expect("it opens");
    for store in [&tenant, &whole] {
        let error = store.get(&row(LAYOUT_RECORD), READ).await.expect_err("out of reach");
        assert_eq!((error.kind, error.effect), (ErrorKind::InvalidInput, Effect::NotApplied));
        let now = Timestamp::from_millis(1);
        store.write(&row(LAYOUT_RECORD), &put("{}"), now).await.expect_err("out of reach");
        for start in [ScanStart::At(String::new()), ScanStart::At("!".into()), ScanStart::After("!".into())] {
            let all = ScanRequest { end: char::MAX.to_string(), ..scan(start, 100) };
            assert_eq!(keys(&store.scan(&all).await.expect("a scan")), Vec::<&str>::new());
        }
    }
    assert!(driver.get(&layout_row(), READ).await.expect("a read").is_some());
    let error = kv.system("keys").expect("a namespace").one_shard().await.expect_err("its own");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

/// A row in another shard than its key's is what reads do not find (E3).
#[tokio::test]
async fn a_row_that_is_astray_says_so_in_its_place() {
    let (driver, _, tenant) = tenant(4).await;
    let below = key("tenant:astray");
    let right = Layout::new(4).shard_of(&below);
    let wrong = RowKey { shard: Shard((right.0 + 1) % 4), key: below };
    driver.write(&wrong, &put("v"), Timestamp::from_millis(1)).await.expect("a write");
    let reply = tenant.scan(&scan(ScanStart::At(String::new()), 10)).await.expect("a scan");
    assert_eq!(keys(&reply), ["astray"]);
    assert_eq!(reply.rows[0].record.as_ref().expect_err("astray"), ASTRAY);
}

#[tokio::test]
async fn a_batch_is_divided_as_the_store_wants_it() {
    // 25 writes and 100 reads at most.
    let (_, kv, tenant) = tenant(4).await;
    let writes: Vec<_> = (0..260).map(|number| (row(&format!("k{number:03}")), put("v"))).collect();
    let written = tenant.write_batch(&writes, Timestamp::from_millis(1)).await.expect("a batch");
    assert_eq!(written.iter().filter(|item| matches!(item, BatchItem::Done(Ok(_)))).count(), 260);
    let rows: Vec<_> = writes.into_iter().map(|(row, _)| row).collect();
    let read = tenant.get_batch(&rows, READ).await.expect("a batch");
    assert_eq!(read.iter().filter(|item| matches!(item, BatchItem::Done(Ok(Some(_))))).count(), 260);
    assert!(kv.exists("tenant:k259").await.expect("a read"));
}

#[tokio::test]
async fn a_layout_for_newer_writers_is_read_and_not_written() {
    let driver = MemoryDriver::new();
    let json = r#"{"version":2,"minReader":1,"minWriter":2,"shards":1,"hash":"xxh64"}"#;
    driver.write(&layout_row(), &put(json), Timestamp::from_millis(1)).await.expect("a write");
    let store = Kv::new(driver).one_shard().await.expect("it can be read");
    assert_eq!(store.get(&row("k"), READ).await.expect("a read"), None);
    let error = store.write(&row("k"), &put("v"), Timestamp::from_millis(1)).await.expect_err("a newer one");
    assert_eq!((error.kind, error.effect), (ErrorKind::Unsupported, Effect::NotApplied));
}

#[tokio::test]
async fn to_who_asks_there_is_one_shard_that_somebody_else_looks_after() {
    let (_, kv, tenant) = tenant(16).await;
    let info = tenant.info();
    assert_eq!((info.default_shards, info.layout, info.reaper), (1, LayoutKeeper::Server, Reaper::Platform));
    assert!(tenant.clock().is_some());
    let over = Kv::new(Arc::new(tenant));
    over.put("k", "v", PutOptions::new()).await.expect("a put");
    assert!(kv.exists("tenant:k").await.expect("a read"));
    assert_eq!(over.system("keys").expect_err("the server's own").kind(), ErrorKind::Unsupported);
}
