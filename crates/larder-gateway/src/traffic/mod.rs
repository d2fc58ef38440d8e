//! How many requests a gateway answers, how fast, and how many fail: by the second, for the last minutes.
//!
//! `/metrics` says the same since the process began, for programs that keep what they read. This is for people who look
//! now, and needs nothing beside the gateway.

mod recorder;
mod stats;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::Gateway;

pub(crate) use self::recorder::Traffic;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(stats::get_stats))
}
