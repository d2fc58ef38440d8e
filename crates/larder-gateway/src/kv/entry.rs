//! One entry: `/v1/kv/{binding}/entry?key=…`.

#![expect(unused_qualifications, reason = "the code that utoipa makes of params(…)")]

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use larder::{DeleteOutcome, MAX_VALUE_BYTES, PutOptions, PutOutcome};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::WRITE;
use super::asked::{Asked, Form};
use super::condition::WriteCondition;
use super::reply::{Written, condition_failed, headers, written};
use crate::caller::Caller;
use crate::extract::{Query, RawBody, is_json};
use crate::gateway::Gateway;
use crate::lifetime;
use crate::permission::Permission;
use crate::problem::{Code, Problem, Refusals};
use crate::value::as_json;

/// Which entry.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfKey {
    /// The key: any text of 1 to 512 bytes, where a byte outside `A-Z a-z 0-9 - _ : .` counts three.
    #[param(min_length = 1, max_length = 512)]
    key: String,
}

/// Where to put.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct Put {
    /// The key: any text of 1 to 512 bytes, where a byte outside `A-Z a-z 0-9 - _ : .` counts three.
    #[param(min_length = 1, max_length = 512)]
    key: String,
    /// How long the entry lives, in milliseconds. Without it, for ever, also over an entry that had a lifetime.
    #[param(minimum = 1, maximum = 250000000000000_u64)]
    ttl_millis: Option<u64>,
}

/// A value, byte for byte.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "only its description is used")]
struct ValueBytes(Vec<u8>);

/// What `If-None-Match` of a put says.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its description is used")]
enum AnyVersion {
    #[schema(rename = "*")]
    Any,
}

/// Reads a value, byte for byte.
///
/// `ETag` is the entry's version, and `Larder-Ttl-Millis` the lifetime that remains. With `Accept: application/json` the
/// answer has that type, if the value is JSON.
#[utoipa::path(
    get,
    path = "/v1/kv/{binding}/entry",
    tag = "kv",
    operation_id = "getEntry",
    params(
        ("binding" = String, Path, description = "The binding."),
        OfKey,
        ("If-None-Match" = Option<String>, Header, description = "A version that the reader has: 304 if it is the entry's."),
    ),
    responses(
        (status = 200, description = "The value.", content(
            (inline(ValueBytes) = "application/octet-stream"),
            (serde_json::Value = "application/json"),
        ), headers(
            ("ETag" = String, description = "The entry's version, in quotes."),
            ("Larder-Ttl-Millis" = Option<u64>, description = "The lifetime that remains; not there for an entry that stays."),
        )),
        (status = 304, description = "The reader has this version."),
        (status = 406, description = "The value is no JSON: `NOT_ACCEPTABLE`.", body = crate::problem::ProblemBody),
        Refusals,
    )
)]
pub(super) async fn get_entry(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    Query(OfKey { key }): Query<OfKey>,
    asked: Asked,
) -> Result<Response, Problem> {
    let kv = caller.open(&gateway, &binding, Permission::Read).await?;
    let entry = kv.get_entry(&key).await.map_err(|error| Problem::from(error).about(WRITE))?;
    let entry = entry.ok_or_else(|| Problem::new(Code::NotFound, "the key is not there"))?;
    let mut headers = headers(entry.info());
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    // Whoever keeps it asks whether it is still the entry's before using it (G1).
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    // A value is whatever somebody stored: no browser shall make a page of it.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if asked.has(entry.version()) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let content_type = match asked.form {
        Form::Bytes => "application/octet-stream",
        Form::Json if as_json(entry.value()).is_some() => "application/json",
        Form::Json => {
            return Err(Problem::new(
                Code::NotAcceptable,
                "the value is no JSON; ask for it with Accept: application/octet-stream",
            ));
        }
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    let mut response = Response::new(Body::from(entry.into_value()));
    *response.headers_mut() = headers;
    Ok(response)
}

/// Says whether a key is there, and what its version and lifetime are.
#[utoipa::path(
    head,
    path = "/v1/kv/{binding}/entry",
    tag = "kv",
    operation_id = "headEntry",
    params(
        ("binding" = String, Path, description = "The binding."),
        OfKey,
        ("If-None-Match" = Option<String>, Header, description = "A version that the reader has: 304 if it is the entry's."),
    ),
    responses(
        (status = 200, description = "The key is there.", headers(
            ("ETag" = String, description = "The entry's version, in quotes."),
            ("Larder-Ttl-Millis" = Option<u64>, description = "The lifetime that remains; not there for an entry that stays."),
        )),
        (status = 304, description = "The reader has this version."),
        (status = 406, description = "The value is no JSON, and nothing else is asked for."),
        Refusals,
    )
)]
pub(super) async fn head_entry(
    state: State<Gateway>,
    caller: Caller,
    binding: Path<String>,
    query: Query<OfKey>,
    asked: Asked,
) -> Result<Response, Problem> {
    // The server sends the headers alone, the length of the value among them.
    get_entry(state, caller, binding, query, asked).await
}

/// Stores a value of up to 24,576 bytes, byte for byte.
///
/// A body of the type `application/json` must be JSON; any other is not looked at. `If-None-Match: *` stores only if the
/// key is absent, `If-Match` only over that version; otherwise it is 412, and nothing changes.
#[utoipa::path(
    put,
    path = "/v1/kv/{binding}/entry",
    tag = "kv",
    operation_id = "putEntry",
    params(
        ("binding" = String, Path, description = "The binding."),
        Put,
        ("If-Match" = Option<String>, Header, description = "The version that the entry must have, in quotes."),
        ("If-None-Match" = inline(Option<AnyVersion>), Header, description = "`*`: only if the key is absent."),
    ),
    request_body(description = "The value.", content(
        (inline(ValueBytes) = "application/octet-stream"),
        (serde_json::Value = "application/json"),
    )),
    responses(
        (status = 200, description = "The value is stored.", body = Written, headers(
            ("ETag" = String, description = "The entry's version, in quotes."),
        )),
        (status = 412, description = "The condition did not hold: `PRECONDITION_FAILED`.", body = crate::problem::ProblemBody),
        Refusals,
    )
)]
pub(super) async fn put_entry(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    Query(Put { key, ttl_millis }): Query<Put>,
    WriteCondition(condition): WriteCondition,
    sent: HeaderMap,
    RawBody(value): RawBody,
) -> Result<Response, Problem> {
    if value.len() > MAX_VALUE_BYTES {
        let message = format!("the value has {} bytes; the limit is {MAX_VALUE_BYTES}", value.len());
        return Err(Problem::new(Code::PayloadTooLarge, message));
    }
    if is_json(&sent) && as_json(&value).is_none() {
        return Err(Problem::invalid("body", "is no JSON; send it as application/octet-stream, or mend it"));
    }
    let mut options = PutOptions::new();
    options.ttl = lifetime::of_millis(ttl_millis, "ttlMillis")?;
    options.condition = condition;
    let kv = caller.open(&gateway, &binding, Permission::Write).await?;
    match kv.put(&key, value, options).await.map_err(|error| Problem::from(error).about(WRITE))? {
        PutOutcome::Stored(version) => Ok(written(key, &version)),
        PutOutcome::ConditionFailed(seen) => Err(condition_failed(&seen)),
    }
}

/// Makes a key absent.
///
/// Without `If-Match` it succeeds also when the key was absent already.
#[utoipa::path(
    delete,
    path = "/v1/kv/{binding}/entry",
    tag = "kv",
    operation_id = "deleteEntry",
    params(
        ("binding" = String, Path, description = "The binding."),
        OfKey,
        ("If-Match" = Option<String>, Header, description = "The version that the entry must have, in quotes."),
    ),
    responses(
        (status = 204, description = "The key is absent."),
        (status = 412, description = "The entry does not have the version: `PRECONDITION_FAILED`.", body = crate::problem::ProblemBody),
        Refusals,
    )
)]
pub(super) async fn delete_entry(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    Query(OfKey { key }): Query<OfKey>,
    condition: WriteCondition,
) -> Result<StatusCode, Problem> {
    let version = condition.version()?;
    let kv = caller.open(&gateway, &binding, Permission::Delete).await?;
    let outcome = match version {
        None => kv.delete(&key).await.map(|()| DeleteOutcome::Deleted),
        Some(version) => kv.delete_if_version(&key, version).await,
    };
    match outcome.map_err(|error| Problem::from(error).about(WRITE))? {
        DeleteOutcome::Deleted => Ok(StatusCode::NO_CONTENT),
        DeleteOutcome::ConditionFailed(seen) => Err(condition_failed(&seen)),
    }
}
