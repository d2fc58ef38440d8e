//! What the driver behind a gateway said comes through it: its kind, and above all what became of the request.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_conformance::server::dying_in_the_pool;
use larder_conformance::wrap::{Hook, Method, Scripted, Step, Verdict};
use larder_core::driver::{
    BatchItem, Driver, DriverError, Effect, Guard, Mutation, Observed, RowKey, Shard, Write, WriteReply,
};
use larder_core::record::WriteStamp;
use larder_core::{CanonicalKey, Clock, ErrorKind, Expiry, Kv, MemoryDriver, PutOptions};
use larder_remote::{RemoteDriver, RemoteOptions};

use support::{BINDING, START, Served, clock};

/// A gateway over a driver that does what a script says.
struct Bench {
    script: Arc<Scripted>,
    driver: RemoteDriver,
    _served: Served,
}

impl Bench {
    async fn new() -> Self {
        let script = Scripted::new();
        let kv = Kv::builder(script.over(MemoryDriver::new())).clock(clock(START)).build();
        kv.settled_layout().await.expect("a layout");
        let served = Served::start(kv).await;
        let options = served.options().clock(clock(START) as Arc<dyn Clock>);
        let options = options.attempt_timeout(Duration::from_millis(200));
        let driver = RemoteDriver::open(&options).expect("the options are right");
        Self { script, driver, _served: served }
    }

    async fn write(&self, guard: Guard) -> Result<WriteReply, DriverError> {
        self.driver.write(&row("k"), &put(guard), START).await
    }
}

fn row(key: &str) -> RowKey {
    RowKey { shard: Shard(0), key: CanonicalKey::from_canonical(key).expect("canonical") }
}

fn put(guard: Guard) -> Write {
    let mutation = Mutation::Put { value: "v".into(), expires_at: Expiry::NEVER, register: None };
    Write { mutation, guard, stamp: WriteStamp::new(START) }
}

#[tokio::test]
async fn an_error_keeps_its_kind_and_what_became_of_the_request() {
    let bench = Bench::new().await;
    for kind in [
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::Timeout,
        ErrorKind::NotProvisioned,
        ErrorKind::Unauthorized,
        ErrorKind::Corrupt,
        ErrorKind::Internal,
    ] {
        for mut error in
            [DriverError::refused(kind, "table-7"), DriverError::unknown(kind, "table-7").permanent()]
        {
            error.retry_after = Some(Duration::from_millis(1_500));
            bench.script.then(Method::Write, [Step::fail(error.clone())]);
            let came = bench.write(Guard::Always).await.expect_err("it fails");
            assert_eq!(
                (came.kind, came.effect, came.retryable, came.retry_after),
                (error.kind, error.effect, error.retryable, error.retry_after),
                "{came:?}"
            );
            // But for a record that cannot be decoded, it would tell callers about the gateway's own affairs.
            assert_eq!(came.message.contains("table-7"), kind == ErrorKind::Corrupt, "{came:?}");
        }
    }
}

#[tokio::test]
async fn a_lost_reply_behind_the_gateway_is_one_before_it() {
    let bench = Bench::new().await;
    bench.script.then(Method::Write, [Step::lose_reply()]);
    let error = bench.write(Guard::Always).await.expect_err("the reply is lost");
    assert_eq!(error.effect, Effect::Unknown, "{error:?}");
    // It was applied, and a condition shows by whom.
    let met = bench.write(Guard::Absent).await.expect("an answer");
    assert!(matches!(met, WriteReply::Refused(Observed::Record(_))), "{met:?}");
}

#[tokio::test]
async fn nothing_goes_on_at_the_gateway_when_nobody_waits_for_it() {
    let bench = Bench::new().await;
    bench.script.always(Method::Write, Verdict::Hang);
    bench.script.always(Method::Get, Verdict::Hang);
    let started = Instant::now();
    let error = bench.write(Guard::Always).await.expect_err("it hangs");
    assert_eq!((error.kind, error.effect), (ErrorKind::Timeout, Effect::Unknown), "{error:?}");
    let read = larder_core::driver::Read {
        projection: larder_core::driver::Projection::Full,
        consistency: larder_core::Consistency::Strong,
    };
    let error = bench.driver.get(&row("k"), read).await.expect_err("it hangs");
    assert_eq!((error.kind, error.effect), (ErrorKind::Timeout, Effect::NotApplied), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_batch_that_fails_below_fails_for_each_of_its_positions() {
    let bench = Bench::new().await;
    let error = DriverError::unknown(ErrorKind::Unavailable, "hung up");
    bench.script.then(Method::WriteBatch, [Step::fail(error)]);
    let writes = [(row("a"), put(Guard::Always)), (row("b"), put(Guard::Always))];
    let items = bench.driver.write_batch(&writes, START).await.expect("the batch works");
    assert_eq!(items.len(), 2);
    for item in items {
        let BatchItem::Done(Err(error)) = item else { panic!("{item:?}") };
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::Unknown), "{error:?}");
    }
}

/// A pooled connection that has died is found out by using it, when the request may have got through: the gateway was
/// restarted, or something on the way forgot the connection.
#[tokio::test]
async fn a_connection_that_died_in_the_pool_costs_another_attempt_and_nothing_else() {
    let store = Kv::new(MemoryDriver::new());
    let served = Served::start(store.clone()).await;
    // The first exchange asks the gateway for its time; the operation meets the dead connection.
    let kv = async || {
        let options = RemoteOptions::new(dying_in_the_pool(&served.url).await, BINDING);
        Kv::new(RemoteDriver::open(&options).expect("the options are right"))
    };
    kv().await.put("k", "1", PutOptions::new()).await.expect("it is stored");
    assert_eq!(kv().await.get_text("k").await.expect("it is read").as_deref(), Some("1"));
    let stored = kv().await.put("new", "1", PutOptions::new().if_not_exists()).await.expect("it is stored");
    assert!(stored.is_stored());
    let version = stored.into_version().expect("it is stored");
    let swap = PutOptions::new().if_version(version);
    assert!(kv().await.put("new", "2", swap).await.expect("it is stored").is_stored());
    // Nothing shows whether a counter that is not there was never made, or made and removed (P4).
    let error = kv().await.increment("c", 1, None).await.expect_err("it is in doubt");
    assert_eq!(error.kind(), ErrorKind::Ambiguous, "{error}");
    assert!(!store.exists("c").await.expect("it is read"), "and is not counted twice");
}
