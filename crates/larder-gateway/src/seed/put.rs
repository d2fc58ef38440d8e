//! `POST /v1/operations/data`.

use axum::Json;
use axum::extract::State;
use larder::{PutOptions, PutOutcome};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::extract::JsonBody;
use crate::gateway::Gateway;
use crate::lifetime;
use crate::permission::Permission;
use crate::problem::{Problem, Refusals};
use crate::seed::PUT;

/// What to store.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PutData {
    /// The key: 1 to 512 bytes, where a byte outside `A-Z a-z 0-9 - _ : .` counts three.
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    /// The value: any JSON, kept as it was written, up to 24,576 bytes.
    #[schema(value_type = serde_json::Value)]
    value: Box<RawValue>,
    /// How long the entry lives, in seconds, to the millisecond. Without it, for ever.
    #[serde(default)]
    #[schema(exclusive_minimum = 0, maximum = 250000000000_u64)]
    ttl: Option<f64>,
    /// Whether to store only if the key is absent.
    #[serde(default)]
    if_not_exists: bool,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DataPut {
    /// The key.
    key: String,
    /// Whether the value was stored: false when `ifNotExists` was asked for and the key was there.
    stored: bool,
}

/// Stores a value.
///
/// Without `ttl` the entry stays, also over one that had a lifetime.
#[utoipa::path(
    post,
    path = "/v1/operations/data",
    tag = "data",
    operation_id = "putData",
    request_body = PutData,
    responses((status = 200, description = "The value was stored, or the key was there.", body = DataPut), Refusals)
)]
pub(super) async fn put_data(
    State(gateway): State<Gateway>,
    caller: Caller,
    JsonBody(data): JsonBody<PutData>,
) -> Result<Json<DataPut>, Problem> {
    let mut options = PutOptions::new();
    options.ttl = data.ttl.map(|seconds| lifetime::of_seconds(seconds, "ttl")).transpose()?;
    if data.if_not_exists {
        options = options.if_not_exists();
    }
    let kv = caller.open(&gateway, gateway.stores().primary(), Permission::Write).await?;
    let value = String::from(Box::<str>::from(data.value));
    let outcome = kv.put(&data.key, value, options).await.map_err(|error| Problem::from(error).about(PUT))?;
    Ok(Json(DataPut { key: data.key, stored: matches!(outcome, PutOutcome::Stored(_)) }))
}
