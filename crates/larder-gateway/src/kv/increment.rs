//! `POST /v1/kv/{binding}/increment`: counters.

use axum::Json;
use axum::extract::{Path, State};
use larder::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::WRITE;
use crate::caller::Caller;
use crate::extract::{JsonBody, whole};
use crate::gateway::Gateway;
use crate::lifetime;
use crate::permission::{Permission, Permissions};
use crate::problem::{Code, Problem, Refusals};

/// What to add to which counter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Increment {
    /// The key.
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    /// What to add; 1 unless told.
    #[serde(default = "one", deserialize_with = "whole::signed")]
    delta: i64,
    /// How long the counter lives, in milliseconds, if this makes it; a counter that is there keeps its lifetime.
    #[serde(default, deserialize_with = "whole::unsigned")]
    #[schema(minimum = 1, maximum = 250000000000000_u64)]
    ttl_millis: Option<u64>,
}

/// The sum.
#[derive(Serialize, ToSchema)]
pub(crate) struct Counted {
    /// The key.
    key: String,
    /// This request's own sum, whoever else adds. Many clients lose digits of numbers past 9007199254740991.
    number: i64,
    /// The same as text, with all its digits.
    text: String,
}

/// Adds to a counter, and returns the sum.
///
/// An absent counter starts from 0. A value that is no decimal number, and a sum that leaves the range of 64 bits, are
/// 409, and nothing changes. It takes the permission to read, too, since the sum shows what was there. A request whose answer was lost must not be sent again unless counting twice does no harm.
#[utoipa::path(
    post,
    path = "/v1/kv/{binding}/increment",
    tag = "kv",
    operation_id = "increment",
    params(("binding" = String, Path, description = "The binding.")),
    request_body = Increment,
    responses(
        (status = 200, description = "The sum.", body = Counted),
        (status = 409, description = "The value is no number, or the sum is none: `CONFLICT`.", body = crate::problem::ProblemBody),
        Refusals,
    )
)]
pub(super) async fn increment(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    JsonBody(Increment { key, delta, ttl_millis }): JsonBody<Increment>,
) -> Result<Json<Counted>, Problem> {
    let ttl = lifetime::of_millis(ttl_millis, "ttlMillis")?;
    // The sum shows what was there.
    let permissions = Permissions::from_iter([Permission::Read, Permission::Write]);
    let kv = caller.open(&gateway, &binding, permissions).await?;
    let sum = kv.increment(&key, delta, ttl).await.map_err(problem)?;
    Ok(Json(Counted { key, number: sum, text: sum.to_string() }))
}

/// What was wrong with the request is told apart from what is wrong with the entry.
fn problem(error: Error) -> Problem {
    let message = error.message();
    let is_of_entry = error.kind() == ErrorKind::InvalidInput
        && !["the key", "the TTL"].iter().any(|part| message.starts_with(part));
    if is_of_entry {
        return Problem::new(Code::Conflict, message);
    }
    Problem::from(error).about(WRITE)
}

fn one() -> i64 {
    1
}
