//! A store behind a proxy that counts, and a handle that goes through it.

use std::sync::Arc;
use std::time::Duration;

use integration_tests::proxy::{Counts, FaultProxy};
use larder_conformance::emulator;
use larder_core::{Kv, ManualClock, PutOptions, PutOutcome, RetryPolicy, Version};
use tokio::sync::{Mutex, MutexGuard};

use crate::{EMULATOR, Place};

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// One test at a time: a request that a busy server does not answer in time is sent again, or in another way.
static ALONE: Mutex<()> = Mutex::const_new(());

pub(crate) struct Bench {
    _alone: MutexGuard<'static, ()>,
    pub(crate) proxy: FaultProxy,
    pub(crate) place: Place,
    pub(crate) kv: Kv,
    pub(crate) clock: Arc<ManualClock>,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let alone = ALONE.lock().await;
        let place = Place::create().await;
        let proxy = FaultProxy::start(env!("CARGO_BIN_EXE_fault-proxy"), &emulator(EMULATOR));
        let kv = place.handle(proxy.url()).await;
        // The layout is read once.
        kv.exists("warm").await.expect("it works");
        Self { _alone: alone, proxy, kv, clock: place.clock(), place }
    }

    /// What the work sends.
    pub(crate) async fn count(&self, work: impl Future<Output = ()>) -> Counts {
        self.proxy.reset().await;
        work.await;
        self.proxy.counts().await
    }

    /// Asserts that the work sends so many requests of these kinds, and no others.
    pub(crate) async fn costs(
        &self,
        what: &str,
        requests: &[(&str, u64)],
        work: impl Future<Output = ()>,
    ) -> Counts {
        let counts = self.count(work).await;
        for (operation, number) in requests {
            assert_eq!(counts.of(operation).requests, *number, "{what}: {counts:?}");
        }
        let all: u64 = requests.iter().map(|(_, number)| number).sum();
        assert_eq!(counts.total().requests, all, "{what}: {counts:?}");
        println!("{what}: {requests:?}");
        counts
    }

    /// Puts `value`, and returns its version if it was stored.
    pub(crate) async fn put(&self, key: &str, options: PutOptions) -> Option<Version> {
        match self.kv.put(key, "value", options).await.expect("a put") {
            PutOutcome::Stored(version) => Some(version),
            PutOutcome::ConditionFailed(_) => None,
        }
    }

    /// Puts `value` under every key.
    pub(crate) async fn put_all(&self, keys: &[String]) {
        put_all(&self.kv, keys, None).await;
    }

    /// The same past the proxy, with all the time that a busy server takes.
    pub(crate) async fn fill(&self, keys: &[String], ttl: Option<Duration>) {
        put_all(&patient(&self.place, &emulator(EMULATOR)).await, keys, ttl).await;
    }
}

/// A handle on a place, by way of an address, with time for requests of some megabytes. It knows the layout.
pub(crate) async fn patient(place: &Place, url: &str) -> Kv {
    let mut policy = RetryPolicy::default();
    policy.attempt_timeout = Duration::from_secs(60);
    policy.deadline = Duration::from_secs(300);
    let kv = Kv::builder(place.driver(url).await).clock(place.clock()).retry(policy).build();
    kv.exists("warm").await.expect("it works");
    kv
}

async fn put_all(kv: &Kv, keys: &[String], ttl: Option<Duration>) {
    for stored in kv.put_many(keys.iter().map(|key| (key, "value")), ttl).await.expect("a batch") {
        stored.expect("a put");
    }
}

pub(crate) fn ttl() -> PutOptions {
    PutOptions::new().ttl(HOUR)
}
