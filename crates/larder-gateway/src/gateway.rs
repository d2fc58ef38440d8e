//! What a process serves.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::{self, Next};
use axum::response::Response;
use futures_util::FutureExt;

use crate::guard::{Access, Door, LoopbackGuard, authenticate, guarded};
use crate::keys::Keyring;
use crate::options::GatewayOptions;
use crate::running::{Durations, Health, Memory, Metrics, admin, public, whole};
use crate::scripts::Scripts;
use crate::stores::Stores;
use crate::traffic::Traffic;
use crate::{console, cors, observe, openapi, request_id};

/// The most bytes of a request's body, but for batches: 64 KiB. A value has at most 24 KiB, and the rest is JSON around it.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

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
        // The last layer is the first that a request meets.
        let mut router = openapi::served(api)
            .merge(whole())
            .layer(middleware::from_fn_with_state(self.clone(), enter))
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

/// All that stands around the routes for data. In one layer: each has a cost, which reads of memory would feel.
async fn enter(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    observe::observed(&gateway, request, |request| limited(&gateway, request, next)).await
}

fn limited(gateway: &Gateway, mut request: Request, next: Next) -> impl Future<Output = Response> {
    if !request.body().is_end_stream() {
        // Routes that take more say so themselves, further in.
        DefaultBodyLimit::max(MAX_BODY_BYTES).apply(&mut request);
    }
    authenticate(gateway, request, next).map(|mut response| {
        // Nobody keeps an answer that does not say for itself how it may be kept: the next one may be another.
        response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    })
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("stores", &self.0.stores)
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes the future of a function takes.
    fn bytes<A, B, C, F>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// It is copied for every request: twice as much was a fiftieth of the time that one takes.
    #[test]
    fn what_stands_around_a_request_is_small() {
        let bytes = bytes(enter);
        assert!(bytes <= 2_304, "{bytes}");
    }
}
