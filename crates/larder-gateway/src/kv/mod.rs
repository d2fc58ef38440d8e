//! The whole API: bytes, versions, lifetimes, counters, batches and scans, at `/v1/kv/{binding}`.

mod asked;
mod batch;
mod condition;
mod entry;
mod increment;
mod item;
mod lines;
mod reply;
mod scan;
mod stream;
mod touch;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::gateway::Gateway;

/// The most bytes of a body that any route takes.
pub(crate) const MAX_BATCH_BYTES: usize = batch::MAX_BODY_BYTES;

/// The route of the `POST` that changes nothing, of those that people call.
pub(crate) const GET_MANY: &str = "/v1/kv/{binding}/get-many";

/// The words that errors have for the parts of requests, and the names that those have here.
const WRITE: &[(&str, &str)] =
    &[("the version", "If-Match"), ("the key", "key"), ("the value", "body"), ("the TTL", "ttlMillis")];
const SCAN: &[(&str, &str)] =
    &[("the cursor", "cursor"), ("the prefix", "prefix"), ("the limit is", "limit")];

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    let batches = OpenApiRouter::new()
        .routes(routes!(batch::get::get_many))
        .routes(routes!(batch::put::put_many))
        .routes(routes!(batch::delete::delete_many))
        .layer(DefaultBodyLimit::max(MAX_BATCH_BYTES));
    OpenApiRouter::new()
        .routes(routes!(entry::get_entry, entry::head_entry, entry::put_entry, entry::delete_entry))
        .routes(routes!(touch::touch))
        .routes(routes!(increment::increment))
        .routes(routes!(scan::scan))
        .routes(routes!(stream::stream))
        .merge(batches)
}
