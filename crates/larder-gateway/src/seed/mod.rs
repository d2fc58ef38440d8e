//! The plain API: JSON values by key, at `/v1/operations/data`.

mod delete;
mod get;
mod put;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::Gateway;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(put::put_data, get::get_data, delete::delete_data))
}
