//! Scripts: deploying and running them, at `/v1/operations/scripts`.

mod change;
mod failure;
mod list;
mod log;
mod one;
mod refusals;
mod run;
mod service;
mod shown;

use axum::extract::DefaultBodyLimit;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::service::Scripts;
use crate::gateway::Gateway;

/// The most bytes of a request to run a script: more than an input of 1 MiB, its own spacing included, and what stands around
/// it.
const MAX_RUN_BYTES: usize = 2 * 1024 * 1024;

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    let runs = OpenApiRouter::new()
        .routes(routes!(run::run_script, list::list_scripts))
        .layer(DefaultBodyLimit::max(MAX_RUN_BYTES));
    let deployments = OpenApiRouter::new()
        .routes(routes!(one::get_script, one::put_script, one::delete_script))
        .layer(DefaultBodyLimit::max(larder_scripts::MAX_SOURCE_BYTES));
    OpenApiRouter::new()
        .merge(runs)
        .merge(deployments)
        .routes(routes!(change::rollback_script))
        .routes(routes!(log::script_logs))
}
