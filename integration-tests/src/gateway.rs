//! A gateway over a store in memory, reached directly or through a proxy.

use std::sync::Arc;
use std::time::Duration;

use larder_core::driver::Driver;
use larder_core::{Clock, Kv, ManualClock, MemoryDriver, Timestamp};
use larder_gateway::{Gateway, Stores};
use larder_remote::{RemoteDriver, RemoteOptions};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::limits::tireless;

/// The id that the gateway serves its store by.
pub const BINDING: &str = "cache";

/// A gateway in this process, and the clock that it and its callers' handles run by.
#[derive(Debug)]
pub struct Served {
    url: String,
    clock: Arc<ManualClock>,
    answering: AbortHandle,
}

impl Served {
    /// A gateway over a new store of four shards.
    ///
    /// # Panics
    ///
    /// When it has no port to listen on.
    pub async fn create() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(4_102_444_800_000)));
        Self::over(MemoryDriver::new().shards(4), clock).await
    }

    /// A gateway over a store, by that clock.
    ///
    /// # Panics
    ///
    /// When it has no port to listen on.
    pub async fn over(driver: impl Driver + 'static, clock: Arc<ManualClock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let kv = Kv::builder(driver).clock(Arc::clone(&clock) as Arc<dyn Clock>).build();
        let gateway = Gateway::new(Stores::of_handles([(BINDING, kv)]).expect("one store"));
        let answering = tokio::spawn(larder_gateway::serve(gateway, listener, std::future::pending()));
        Self { url, clock, answering: answering.abort_handle() }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A driver by way of an address.
    ///
    /// # Panics
    ///
    /// When the address is none.
    pub fn driver(&self, url: &str) -> RemoteDriver {
        let options = RemoteOptions::new(url, BINDING).clock(self.clock() as Arc<dyn Clock>);
        let options = options.attempt_timeout(Duration::from_secs(1));
        RemoteDriver::open(&options).expect("the options are right")
    }

    /// A handle that tells the truth.
    pub async fn direct(&self) -> Kv {
        self.handle(&self.url).await
    }

    /// A handle by way of an address, which gives an attempt 1 s, an operation 8 s, and makes short pauses.
    pub async fn handle(&self, url: &str) -> Kv {
        self.handle_within(url, Duration::from_secs(8)).await
    }

    /// The same with another time for an operation.
    pub async fn handle_within(&self, url: &str, deadline: Duration) -> Kv {
        Kv::builder(self.driver(url)).binding(BINDING).retry(tireless(deadline)).build()
    }

    /// What the gateway and the handles run by.
    pub fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.answering.abort();
    }
}
