//! Whether a gateway can serve.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::gateway::Gateway;

/// How long what was found is told to others who ask: probes are many, and cost a request to each store.
const REMEMBERED: Duration = Duration::from_secs(5);
/// How long a store may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a gateway can serve.
#[derive(Debug, Default)]
pub(crate) struct Health {
    is_draining: AtomicBool,
    found: Mutex<Option<(Instant, Arc<Report>)>>,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) ready: bool,
    pub(crate) draining: bool,
    /// What each store, and that of the keys, answered: `ok`, or the kind of the error.
    pub(crate) stores: BTreeMap<String, &'static str>,
}

/// The name in reports of the store that has the API keys.
const KEYS: &str = "!keys";

impl Health {
    /// Nothing more is to be sent here: it is about to end.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::SeqCst);
    }

    /// Asks every store, unless that was done just now. A gateway that drains is not ready, whatever they say.
    pub(crate) async fn report(&self, gateway: &Gateway) -> Arc<Report> {
        let mut found = self.found.lock().await;
        if self.is_draining.load(Ordering::SeqCst) {
            return Arc::new(Report { ready: false, draining: true, stores: BTreeMap::new() });
        }
        if let Some((at, report)) = &*found
            && at.elapsed() < REMEMBERED
        {
            return Arc::clone(report);
        }
        let report = Arc::new(ask(gateway).await);
        *found = Some((Instant::now(), Arc::clone(&report)));
        report
    }
}

async fn ask(gateway: &Gateway) -> Report {
    let stores = gateway.stores().ids().iter().map(|id| async move {
        let answer = timeout(PATIENCE, gateway.stores().check(id)).await;
        (
            id.clone(),
            status(answer.map_err(|_| ()).map(|checked| checked.map_err(|error| error.kind().as_str()))),
        )
    });
    let keys = async {
        let keyring = gateway.keyring()?;
        let answer = timeout(PATIENCE, keyring.check()).await;
        let status =
            status(answer.map_err(|_| ()).map(|checked| checked.map_err(|error| error.kind().as_str())));
        Some((KEYS.to_owned(), status))
    };
    let (stores, keys) = futures_util::future::join(join_all(stores), keys).await;
    let stores: BTreeMap<_, _> = stores.into_iter().chain(keys).collect();
    Report { ready: stores.values().all(|status| *status == "ok"), draining: false, stores }
}

fn status(answer: Result<Result<(), &'static str>, ()>) -> &'static str {
    match answer {
        Ok(Ok(())) => "ok",
        Ok(Err(kind)) => kind,
        Err(()) => "timeout",
    }
}
