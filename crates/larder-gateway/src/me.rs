//! `GET /v1/me`: what the caller may do.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::{Caller, Identity};
use crate::gateway::Gateway;
use crate::permission::Permission;
use crate::problem::{Problem, Refusals};

/// What the caller may do here.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    /// The id of the API key, which is no secret; null on a gateway without keys.
    #[schema(required)]
    key_id: Option<String>,
    /// The namespace that all keys and prefixes are relative to; null for all of the stores.
    #[schema(required)]
    namespace: Option<String>,
    /// What is allowed: `read`, `write`, `delete`, `scan`, `scripts:run`, `scripts:write`.
    permissions: Vec<&'static str>,
    /// The bindings that the caller can name, in the order in which the gateway serves them.
    bindings: Vec<String>,
    /// The binding of the routes that name none; null if it is not the caller's.
    #[schema(required)]
    primary: Option<String>,
    /// Whether `/v1/stats` and `/metrics` are for the caller.
    stats: bool,
}

/// Says what the caller may do: which bindings, in which namespace, and with which permissions.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "gateway",
    operation_id = "getMe",
    responses((status = 200, description = "What the caller may do.", body = Me), Refusals)
)]
async fn get_me(State(gateway): State<Gateway>, caller: Caller) -> Result<Json<Me>, Problem> {
    let bindings = caller.bindings(&gateway);
    let primary = gateway.stores().primary();
    Ok(Json(Me {
        key_id: match caller.identity() {
            Identity::Loopback => None,
            Identity::Key(id) => Some(id.to_string()),
        },
        namespace: caller.namespace().map(str::to_owned),
        permissions: caller.permissions().iter().map(Permission::as_str).collect(),
        primary: bindings.iter().find(|id| *id == primary).cloned(),
        bindings,
        stats: caller.check_whole().is_ok(),
    }))
}

/// The routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(get_me))
}
