//! What a process serves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use tower::layer::layer_fn;

use crate::entrance::Entrance;
use crate::guard::{Access, Door, LoopbackGuard, guarded};
use crate::keys::Keyring;
use crate::options::GatewayOptions;
use crate::running::{Durations, Health, Memory, Metrics, admin, public, whole};
use crate::scripts::Scripts;
use crate::stores::Stores;
use crate::traffic::Traffic;
use crate::{console, cors, observe, openapi, request_id};

/// What a process serves: which stores, for whom, within which limits. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    stores: Stores,
    options: GatewayOptions,
    door: Door,
    health: Health,
    metrics: Option<Metrics>,
    durations: Durations,
    traffic: Traffic,
}

impl Gateway {
    /// A gateway without keys: whoever reaches it may do everything, but for pages in browsers. Serve it on loopback only.
    pub fn new(stores: Stores) -> Self {
        Self::with_options(stores, GatewayOptions::new(Access::Loopback(LoopbackGuard::new())), None)
    }

    /// A gateway with settings, and with the metrics of the process if it collects them.
    pub fn with_options(stores: Stores, options: GatewayOptions, metrics: Option<Metrics>) -> Self {
        let door = Door::new(options.access.clone(), &options.cors_origins);
        let collects = metrics.is_some();
        Self(Arc::new(Inner {
            stores,
            options,
            door,
            health: Health::default(),
            metrics,
            durations: Durations::new(if collects { Memory::Once } else { Memory::Never }),
            traffic: Traffic::new(),
        }))
    }

    /// The stores that it may open.
    pub fn stores(&self) -> &Stores {
        &self.0.stores
    }

    /// Its routes, with everything around them that a request passes through.
    pub fn router(&self) -> Router {
        let (api, _) = openapi::api().split_for_parts();
        let gateway = self.clone();
        // The last layer is the first that a request meets.
        let mut router = openapi::served(api)
            .merge(whole())
            .layer(layer_fn(move |route| Entrance::new(gateway.clone(), route)))
            .merge(
                public()
                    .merge(console::routes())
                    .layer(middleware::from_fn_with_state(self.clone(), observe::observe)),
            );
        if !self.0.options.cors_origins.is_empty() {
            router = router.layer(cors::layer(&self.0.options.cors_origins));
        }
        router.with_state(self.clone())
    }

    /// The routes for operators, for a listener that nobody else reaches: `/healthz`, `/readyz`, `/metrics`. With a guard,
    /// for one on loopback, which pages in browsers could reach.
    pub fn admin_router(&self, guard: Option<LoopbackGuard>) -> Router {
        let mut router = admin();
        if let Some(guard) = guard {
            router = router.layer(middleware::from_fn_with_state(guard, guarded));
        }
        router.layer(middleware::from_fn(request_id::identify)).with_state(self.clone())
    }

    /// Says at `/readyz` that nothing more is to be sent here.
    pub fn drain(&self) {
        self.0.health.drain();
    }

    pub(crate) fn door(&self) -> &Door {
        &self.0.door
    }

    pub(crate) fn health(&self) -> &Health {
        &self.0.health
    }

    pub(crate) fn metrics(&self) -> Option<&Metrics> {
        self.0.metrics.as_ref()
    }

    pub(crate) fn durations(&self) -> &Durations {
        &self.0.durations
    }

    pub(crate) fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        self.0.options.request_timeout
    }

    pub(crate) fn scripts(&self) -> Option<&Scripts> {
        self.0.options.scripts.as_ref()
    }

    /// The keys, if it wants any.
    pub(crate) fn keyring(&self) -> Option<&Arc<Keyring>> {
        match &self.0.options.access {
            Access::Keys(keyring) => Some(keyring),
            Access::Loopback(_) => None,
        }
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("stores", &self.0.stores)
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}
