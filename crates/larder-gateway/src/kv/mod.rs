//! The whole API: bytes, versions, lifetimes, batches and scans, at `/v1/kv/{binding}`.

use utoipa_axum::router::OpenApiRouter;

use crate::gateway::Gateway;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
}
