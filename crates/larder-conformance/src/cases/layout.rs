//! The layout record: written once, read once, and never ignored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use larder_core::driver::{
    Driver, DriverError, Guard, LayoutKeeper, Mutation, Projection, Read, RowKey, Shard, Write, WriteReply,
};
use larder_core::hash::HASH_NAME;
use larder_core::record::{Record, WriteStamp};
use larder_core::{
    CanonicalKey, Consistency, ErrorKind, Expiry, Kv, LAYOUT_RECORD, LAYOUT_VERSION, PutOptions, ScanOptions,
};

use crate::context::Context;
use crate::support::{keys, set, text};
use crate::wrap::{Call, Counting, Hook, Method, Posing, Scripted, Step, Verdict};

cases! {
    "layout";
    a_new_store_gets_its_layout_once: L1;
    a_layout_is_read_once_per_handle: L1;
    many_handles_agree_on_a_new_store: L1 P3;
    a_layout_written_meanwhile_is_found: L1;
    rows_without_a_layout_are_refused: L1;
    no_layout_is_found_in_an_outage: L1 G3;
    a_layout_that_a_server_keeps_is_not_looked_for: L1;
}

pub(super) fn layout_row() -> RowKey {
    RowKey { shard: Shard::SYSTEM, key: CanonicalKey::from_canonical(LAYOUT_RECORD).expect("canonical") }
}

pub(super) async fn read(driver: &dyn Driver, row: &RowKey) -> Option<Record> {
    let read = Read { projection: Projection::Full, consistency: Consistency::Strong };
    driver.get(row, read).await.expect("the read works")
}

/// Puts a row without any handle.
pub(super) async fn plant(context: &Context, row: &RowKey, value: impl Into<Bytes>) {
    let mutation = Mutation::Put { value: value.into(), expires_at: Expiry::NEVER, register: None };
    let write = Write { mutation, guard: Guard::Always, stamp: WriteStamp::new(context.now()) };
    let reply = context.driver().await.write(row, &write, context.now()).await.expect("the write works");
    assert!(matches!(reply, WriteReply::Applied(_)), "{reply:?}");
}

/// Behind a server the layout is the server's own affair: to the handle there is one shard and no record.
pub(super) async fn is_kept_by_server(context: &Context) -> bool {
    let driver = context.driver().await;
    if driver.info().layout == LayoutKeeper::Store {
        return false;
    }
    let counting = Counting::new();
    let kv = context.handle(counting.over(driver));
    set(&kv, "key", "1").await;
    assert_eq!(text(&kv, "key").await.as_deref(), Some("1"));
    assert_eq!(counting.layout_reads(), 0, "a handle on a server read a layout");
    true
}

async fn a_layout_that_a_server_keeps_is_not_looked_for(context: Context) {
    let (counting, posing) = (Counting::new(), Posing::new().layout(LayoutKeeper::Server).ready());
    // The store below is fresh, and would get a record, or has rows that are none of this handle's affair.
    for _ in 0..2 {
        let kv = context.handle(counting.over(posing.over(context.driver().await)));
        let stored = kv.stored_layout().await.expect("a look").expect("there is always one");
        assert_eq!(stored.shards, 1);
        assert_eq!(kv.settled_layout().await.expect("the same"), stored);
        // What time it is there, a handle may have to ask.
        let asked = if kv.system_driver().clock().is_some() { counting.calls(Method::Check) } else { 0 };
        assert_eq!(counting.total(), asked, "something was sent for it");
        plant(&context, &context.row("somebody's").await, "row").await;
    }
}

async fn a_new_store_gets_its_layout_once(context: Context) {
    if is_kept_by_server(&context).await {
        return;
    }
    let driver = context.driver().await;
    assert_eq!(read(&*driver, &layout_row()).await, None, "the store is not fresh");
    // Also a read makes it.
    assert_eq!(text(&context.kv().await, "key").await, None);
    let first = read(&*driver, &layout_row()).await.expect("the layout record");
    let shards = driver.info().default_shards;
    let json = format!(
        r#"{{"version":{LAYOUT_VERSION},"minReader":{LAYOUT_VERSION},"minWriter":{LAYOUT_VERSION},"shards":{shards},"hash":"{HASH_NAME}"}}"#
    );
    assert_eq!(String::from_utf8_lossy(&first.value), json);
    assert_eq!(first.expires_at, Expiry::NEVER);
    set(&context.kv().await, "key", "1").await;
    context.kv().await.sweep().await.expect("the sweep works");
    assert_eq!(read(&*driver, &layout_row()).await, Some(first), "it was written again");
}

async fn a_layout_is_read_once_per_handle(context: Context) {
    if is_kept_by_server(&context).await {
        return;
    }
    set(&context.kv().await, "key", "1").await;
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    assert_eq!(counting.total(), 0, "a handle sends nothing before its first operation");
    let reads = (0..16).map(|_| kv.get("key"));
    assert!(join_all(reads).await.into_iter().all(|read| read.is_ok_and(|value| value.is_some())));
    set(&kv, "key", "2").await;
    kv.increment("counter", 1, None).await.expect("it adds");
    keys(&kv.with_prefix("tenant").expect("a namespace"), "").await;
    kv.clone().with_consistency(Consistency::Eventual).get("key").await.expect("the read works");
    kv.check().await.expect("the check works");
    assert_eq!(counting.layout_reads(), 1);
    // Calls that are refused need no layout.
    let counting = Counting::new();
    let kv = context.handle(counting.over(context.driver().await));
    kv.get("").await.expect_err("no key");
    assert_eq!(counting.total(), 0);
}

async fn many_handles_agree_on_a_new_store(context: Context) {
    let mut tasks = Vec::new();
    for number in 0..32 {
        let kv = context.kv().await;
        tasks.push(tokio::spawn(async move {
            let key = format!("k{number:02}");
            set(&kv, &key, "1").await;
            assert_eq!(text(&kv, &key).await.as_deref(), Some("1"));
        }));
    }
    for task in tasks {
        task.await.expect("the first operation of a handle");
    }
    let expected: Vec<String> = (0..32).map(|number| format!("k{number:02}")).collect();
    assert_eq!(keys(&context.kv().await, "").await, expected);
}

/// While a handle looks whether a store without a layout is empty, another process begins to use the store.
#[derive(Debug)]
struct Meanwhile {
    other: Kv,
    done: AtomicBool,
}

#[async_trait]
impl Hook for Meanwhile {
    async fn before(&self, call: Call<'_>, _: &dyn Driver) -> Verdict {
        let looks = matches!(call, Call::IsEmpty) || matches!(call, Call::Write(..) if call.is_system());
        if looks && !self.done.swap(true, Ordering::SeqCst) {
            for number in 0..40 {
                set(&self.other, &format!("k{number:02}"), "theirs").await;
            }
        }
        Verdict::Pass
    }
}

async fn a_layout_written_meanwhile_is_found(context: Context) {
    if is_kept_by_server(&context).await {
        return;
    }
    let meanwhile = Arc::new(Meanwhile { other: context.kv().await, done: AtomicBool::new(false) });
    let kv = context.handle(meanwhile.over(context.driver().await));
    assert_eq!(text(&kv, "k00").await.as_deref(), Some("theirs"), "the store was in order all the time");
    set(&kv, "mine", "1").await;
}

async fn rows_without_a_layout_are_refused(context: Context) {
    if is_kept_by_server(&context).await {
        return;
    }
    // Wherever it may be.
    plant(&context, &context.row("somebody's").await, "row").await;
    let kv = context.kv().await;
    for error in [
        kv.get("key").await.map(drop).expect_err("get"),
        kv.put("key", "1", PutOptions::new()).await.map(drop).expect_err("put"),
        kv.scan_page("", ScanOptions::new()).await.map(drop).expect_err("scan"),
        kv.check().await.map(drop).expect_err("check"),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotProvisioned, "{error}");
        assert!(error.to_string().contains("layout"), "{error}");
    }
    assert_eq!(
        read(&*context.driver().await, &layout_row()).await,
        None,
        "a layout was written over other rows"
    );
}

async fn no_layout_is_found_in_an_outage(context: Context) {
    if is_kept_by_server(&context).await {
        return;
    }
    let down = Arc::new(Down);
    let kv = context.handle(down.over(context.driver().await));
    let error = kv.get("key").await.expect_err("an outage");
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    let driver = context.driver().await;
    assert_eq!(read(&*driver, &layout_row()).await, None);
    // The look into an empty store is a read: it is tried again.
    let scripted = Scripted::new();
    scripted.then(Method::IsEmpty, [Step::fail(DriverError::refused(ErrorKind::Throttled, "slower"))]);
    let kv = context.handle(scripted.over(context.driver().await));
    assert_eq!(text(&kv, "key").await, None);
    assert!(read(&*driver, &layout_row()).await.is_some());
}

/// Fails every request, those about the layout included.
#[derive(Debug)]
struct Down;

#[async_trait]
impl Hook for Down {
    async fn before(&self, _: Call<'_>, _: &dyn Driver) -> Verdict {
        Verdict::Fail(DriverError::refused(ErrorKind::Unauthorized, "an outage on purpose"))
    }
}
