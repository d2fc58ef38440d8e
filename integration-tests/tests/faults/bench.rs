//! A store, a proxy before it, and a handle on each side.

use std::time::Duration;

use integration_tests::proxy::FaultProxy;
use larder_core::Kv;
use tokio::sync::Barrier;

use crate::cloud::{Place, upstream};
use crate::op::PAUSE;

pub(crate) struct Bench {
    pub(crate) proxy: FaultProxy,
    pub(crate) place: Place,
    /// Through the proxy.
    pub(crate) kv: Kv,
    /// Past it.
    pub(crate) truth: Kv,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let place = Place::create().await;
        let (proxy, kv) = lane(&place).await;
        Self { proxy, kv, truth: place.direct().await, place }
    }

    /// One more way through a proxy of its own, whose log holds nobody else's requests.
    pub(crate) async fn lane(&self) -> (FaultProxy, Kv) {
        lane(&self.place).await
    }

    pub(crate) fn pause(&self) {
        self.place.clock().advance(PAUSE);
    }

    /// Pauses once for all who take turns, while none of them has a request under way: no clock leaps during one.
    pub(crate) async fn pause_between(&self, turns: &Barrier) {
        if turns.wait().await.is_leader() {
            self.pause();
        }
        turns.wait().await;
    }
}

async fn lane(place: &Place) -> (FaultProxy, Kv) {
    let proxy = FaultProxy::start(env!("CARGO_BIN_EXE_fault-proxy"), &upstream(place));
    let kv = place.handle(proxy.url()).await;
    kv.exists("warm").await.expect("it works");
    (proxy, kv)
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
