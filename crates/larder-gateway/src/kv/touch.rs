//! `POST /v1/kv/{binding}/touch`: another lifetime.

use axum::extract::{Path, State};
use axum::response::Response;
use larder::{TouchOptions, TouchOutcome};
use serde::Deserialize;
use utoipa::ToSchema;

use super::WRITE;
use super::condition::WriteCondition;
use super::reply::{Written, condition_failed, written};
use crate::caller::Caller;
use crate::extract::{JsonBody, whole};
use crate::gateway::Gateway;
use crate::lifetime;
use crate::permission::Permission;
use crate::problem::{Code, Problem, Refusals};

/// Which entry gets which lifetime.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Touch {
    /// The key.
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    /// How long the entry lives from now, in milliseconds; null lets it stay. It must be there, so that no entry stays
    /// because of a typing error.
    #[serde(deserialize_with = "whole::unsigned")]
    #[schema(required, minimum = 1, maximum = 250000000000000_u64)]
    ttl_millis: Option<u64>,
}

/// Gives an entry another lifetime, or lets it stay.
#[utoipa::path(
    post,
    path = "/v1/kv/{binding}/touch",
    tag = "kv",
    operation_id = "touchEntry",
    params(
        ("binding" = String, Path, description = "The binding."),
        ("If-Match" = Option<String>, Header, description = "The version that the entry must have, in quotes."),
    ),
    request_body = Touch,
    responses(
        (status = 200, description = "The entry has the lifetime.", body = Written, headers(
            ("ETag" = String, description = "The entry's version, in quotes."),
        )),
        (status = 412, description = "The entry does not have the version: `PRECONDITION_FAILED`.", body = crate::problem::ProblemBody),
        Refusals,
    )
)]
pub(super) async fn touch(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    condition: WriteCondition,
    JsonBody(Touch { key, ttl_millis }): JsonBody<Touch>,
) -> Result<Response, Problem> {
    let mut options = TouchOptions::persist();
    options.ttl = lifetime::of_millis(ttl_millis, "ttlMillis")?;
    options.version = condition.version()?;
    let kv = caller.open(&gateway, &binding, Permission::Write).await?;
    match kv.touch(&key, options).await.map_err(|error| Problem::from(error).about(WRITE))? {
        TouchOutcome::Touched(version) => Ok(written(key, &version)),
        TouchOutcome::Absent => Err(Problem::new(Code::NotFound, "the key is not there")),
        TouchOutcome::ConditionFailed(seen) => Err(condition_failed(&seen)),
    }
}
