//! The plain API: JSON values by key, at `/v1/operations/data`.

mod delete;
mod get;
mod put;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::Gateway;

/// The words that errors have for the parts of requests, and the names that those have here.
const KEY: &[(&str, &str)] = &[("the key", "key")];
const PUT: &[(&str, &str)] = &[("the key", "key"), ("the value", "value"), ("the TTL", "ttl")];
const SCAN: &[(&str, &str)] =
    &[("the cursor", "cursor"), ("the prefix", "prefix"), ("the limit is", "limit")];

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(put::put_data, get::get_data, delete::delete_data))
}
