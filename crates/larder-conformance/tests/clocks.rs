//! A server's clock that is set while an operation is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use larder_conformance::wrap::{Hook, Method, Posing, Scripted, Step};
use larder_core::driver::{DriverError, LayoutKeeper};
use larder_core::{Clock, ErrorKind, Kv, ManualClock, MemoryDriver, PutOptions, Result, Timestamp};

const START: Timestamp = Timestamp::from_millis(4_102_444_800_000);
/// In milliseconds.
const HOUR: i64 = 3_600_000;
const MINUTE: Duration = Duration::from_secs(60);

/// A clock that follows another one.
#[derive(Debug)]
struct Following {
    own: ManualClock,
    ahead: AtomicI64,
}

impl Following {
    fn learn(&self, ahead: i64) {
        self.ahead.store(ahead, Ordering::SeqCst);
    }
}

impl Clock for Following {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.own.now().as_millis().saturating_add_signed(self.correction()))
    }

    fn correction(&self) -> i64 {
        self.ahead.load(Ordering::SeqCst)
    }
}

/// A store behind a server whose clock shows something else after the first attempt, of which is known what became of it.
struct Bench {
    kv: Kv,
    script: Arc<Scripted>,
    clock: Arc<Following>,
}

impl Bench {
    async fn new() -> Self {
        let script = Scripted::new();
        let clock = Arc::new(Following { own: ManualClock::new(START), ahead: AtomicI64::new(0) });
        let server = Posing::new().layout(LayoutKeeper::Server).ready();
        let driver = server.over(script.over(MemoryDriver::new()));
        let kv = Kv::builder(driver).clock(Arc::clone(&clock) as Arc<dyn Clock>).build();
        kv.put("key", "1", PutOptions::new()).await.expect("a put");
        Self { kv, script, clock }
    }

    /// The next attempt fails, and before the one after it the clock shows that.
    fn set_on_the_way(&self, method: Method, error: DriverError, ahead: i64) {
        let clock = Arc::clone(&self.clock);
        self.script.then(method, [Step::fail(error).after(move || clock.learn(ahead))]);
    }
}

async fn put(kv: &Kv) -> Result<()> {
    kv.put("key", "2", PutOptions::new().ttl(MINUTE)).await.map(drop)
}

async fn put_many(kv: &Kv) -> Result<()> {
    kv.put_many([("key", "2")], MINUTE).await?.remove(0).map(drop)
}

async fn increment(kv: &Kv) -> Result<()> {
    kv.increment("key", 1, MINUTE).await.map(drop)
}

fn refused() -> DriverError {
    DriverError::refused(ErrorKind::Unavailable, "away")
}

#[tokio::test]
async fn nothing_is_sent_again_with_a_lifetime_by_another_time() {
    for ahead in [HOUR, -HOUR] {
        for method in [Method::Write, Method::WriteBatch, Method::Increment] {
            let bench = Bench::new().await;
            bench.set_on_the_way(method, refused(), ahead);
            let error = match method {
                Method::Write => put(&bench.kv).await,
                Method::WriteBatch => put_many(&bench.kv).await,
                _ => increment(&bench.kv).await,
            };
            let error = error.expect_err("its lifetime would be wrong");
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{method:?}: {error}");
            assert!(error.message().contains("clock"), "{method:?}: {error}");
            let stored = bench.kv.get_text("key").await.expect("a read");
            assert_eq!(stored.as_deref(), Some("1"), "{method:?}: nothing was stored");
        }
    }
}

#[tokio::test]
async fn what_was_in_doubt_before_stays_in_doubt() {
    let bench = Bench::new().await;
    let lost = DriverError::unknown(ErrorKind::Unavailable, "hung up");
    bench.set_on_the_way(Method::Write, lost, HOUR);
    assert_eq!(put(&bench.kv).await.expect_err("nobody knows").kind(), ErrorKind::Ambiguous);
}

/// A batch whose reply was lost is looked into key by key.
#[tokio::test]
async fn what_was_in_doubt_in_a_batch_stays_in_doubt() {
    for ahead in [HOUR, -HOUR] {
        for method in ["put_many", "delete_many"] {
            let bench = Bench::new().await;
            let lost = DriverError::unknown(ErrorKind::Unavailable, "hung up");
            bench.set_on_the_way(Method::WriteBatch, lost, ahead);
            let outcome = match method {
                "put_many" => put_many(&bench.kv).await,
                _ => bench.kv.delete_many(["key"]).await.expect("a batch").remove(0),
            };
            let error = outcome.expect_err("nobody knows");
            assert_eq!(error.kind(), ErrorKind::Ambiguous, "{method}: {error}");
            let stored = bench.kv.get_text("key").await.expect("a read");
            assert_eq!(stored.as_deref(), Some("1"), "{method}");
        }
    }
}

/// The expiries of all requests of a batch are made at its beginning.
#[tokio::test]
async fn no_later_request_of_a_batch_is_sent_by_another_time() {
    let bench = Bench::new().await;
    let clock = Arc::clone(&bench.clock);
    bench.script.then(Method::WriteBatch, [Step::pass().after(move || clock.learn(HOUR))]);
    let entries = (0..5_000).map(|number| (format!("many:{number}"), "1"));
    let stored = bench.kv.put_many(entries, MINUTE).await.expect("a batch");
    let refused = stored.iter().filter_map(|result| result.as_ref().err());
    assert!(refused.clone().all(|error| error.kind() == ErrorKind::Unavailable));
    let sent = bench.script.calls(Method::WriteBatch);
    assert_eq!(sent, 1, "nothing is sent once the clock was set");
    assert!(refused.count() > 0, "it took more than one request");
}

#[tokio::test]
async fn a_clock_that_goes_on_as_it_should_is_in_nobodys_way() {
    for ahead in [0, 1_999, -1_999] {
        let bench = Bench::new().await;
        bench.set_on_the_way(Method::Write, refused(), ahead);
        put(&bench.kv).await.expect("it is stored at the second attempt");
        let stored = bench.kv.get_text("key").await.expect("a read");
        assert_eq!(stored.as_deref(), Some("2"));
    }
}
