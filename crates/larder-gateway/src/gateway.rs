//! What a process serves.

use std::fmt;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::{Extension, Router, middleware};

use crate::caller::Caller;
use crate::openapi;
use crate::request_id;
use crate::stores::Stores;

/// The most bytes of a request's body, but for batches: 64 KiB. A value has at most 24 KiB, and the rest is JSON around it.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

/// What a process serves: which stores, for whom, within which limits. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    stores: Stores,
}

impl Gateway {
    /// A gateway without keys: whoever reaches it may do everything. Serve it on loopback only.
    pub fn new(stores: Stores) -> Self {
        Self(Arc::new(Inner { stores }))
    }

    /// The stores that it may open.
    pub fn stores(&self) -> &Stores {
        &self.0.stores
    }

    /// Its routes, with everything around them that a request passes through.
    pub fn router(&self) -> Router {
        let (api, _) = openapi::api().split_for_parts();
        // The last layer is the first that a request meets.
        openapi::served(api)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(Extension(Caller::loopback()))
            .layer(middleware::from_fn(request_id::identify))
            .with_state(self.clone())
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("stores", &self.0.stores).finish_non_exhaustive()
    }
}
