//! Gateways in this process, each on a port of its own.

#![allow(dead_code, reason = "no test file uses all of it")]

pub(crate) mod harness;

use std::sync::Arc;
use std::time::Duration;

use larder_core::{Clock, Kv, ManualClock, MemoryDriver, RetryPolicy, Timestamp};
use larder_gateway::{Gateway, Stores};
use larder_remote::{RemoteDriver, RemoteOptions};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The id of the binding that the gateways serve.
pub(crate) const BINDING: &str = "cache";

/// 2100-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_millis(4_102_444_800_000);

/// A gateway that answers.
pub(crate) struct Served {
    pub(crate) url: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    /// Serves a handle's store, in front of everything that the handle reaches.
    pub(crate) async fn start(kv: Kv) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let gateway = Gateway::new(Stores::of_handles([(BINDING, kv)]).expect("one store"));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            larder_gateway::serve(gateway, listener, stopped).await.expect("it serves");
        });
        Self { url, stop, task }
    }

    /// Ends it, as a process ends: what it had open is closed.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.expect("it ends");
    }

    pub(crate) fn options(&self) -> RemoteOptions {
        RemoteOptions::new(&self.url, BINDING)
    }
}

/// A clock that shows that.
pub(crate) fn clock(now: Timestamp) -> Arc<ManualClock> {
    Arc::new(ManualClock::new(now))
}

/// A store in memory behind a gateway that goes by that clock.
pub(crate) async fn memory(shards: u16, clock: &Arc<ManualClock>) -> Served {
    Served::start(direct(MemoryDriver::new().shards(shards), clock)).await
}

/// A handle past every gateway.
pub(crate) fn direct(driver: MemoryDriver, clock: &Arc<ManualClock>) -> Kv {
    Kv::builder(driver).clock(Arc::clone(clock) as Arc<dyn Clock>).build()
}

/// A handle by way of a gateway.
pub(crate) fn remote(options: &RemoteOptions) -> Kv {
    Kv::new(RemoteDriver::open(options).expect("the options are right"))
}

/// A handle that soon gives up.
pub(crate) fn impatient(options: &RemoteOptions) -> Kv {
    let mut policy = RetryPolicy::default();
    policy.attempt_timeout = Duration::from_millis(300);
    policy.deadline = Duration::from_secs(1);
    policy.backoff_min = Duration::from_millis(1);
    policy.backoff_max = Duration::from_millis(5);
    policy.budget = 2;
    let driver = RemoteDriver::open(options).expect("the options are right");
    Kv::builder(driver).binding(BINDING).retry(policy).build()
}
