//! `DELETE /v1/operations/data`.

#![expect(unused_qualifications, reason = "the code that utoipa makes of params(…)")]

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::caller::Caller;
use crate::extract::Query;
use crate::gateway::Gateway;
use crate::permission::Permission;
use crate::problem::{Problem, Refusals};
use crate::seed::KEY;

/// Which key.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Unwanted {
    /// The key.
    #[param(min_length = 1, max_length = 512)]
    key: String,
}

/// What is absent now.
#[derive(Serialize, ToSchema)]
pub(crate) struct DataDeleted {
    /// The key.
    key: String,
}

/// Makes a key absent. It succeeds also when the key was absent already.
#[utoipa::path(
    delete,
    path = "/v1/operations/data",
    tag = "data",
    operation_id = "deleteData",
    params(Unwanted),
    responses((status = 200, description = "The key is absent.", body = DataDeleted), Refusals)
)]
pub(super) async fn delete_data(
    State(gateway): State<Gateway>,
    caller: Caller,
    Query(unwanted): Query<Unwanted>,
) -> Result<Json<DataDeleted>, Problem> {
    let kv = caller.open(&gateway, gateway.stores().primary(), Permission::Delete).await?;
    kv.delete(&unwanted.key).await.map_err(|error| Problem::from(error).about(KEY))?;
    Ok(Json(DataDeleted { key: unwanted.key }))
}
