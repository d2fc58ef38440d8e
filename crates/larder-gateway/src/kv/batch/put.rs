//! `POST /v1/kv/{binding}/put-many`.

use axum::Json;
use axum::extract::{Path, State};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::check_size;
use crate::aside::aside;
use crate::caller::Caller;
use crate::extract::{JsonBody, whole};
use crate::gateway::Gateway;
use crate::kv::item::Failed;
use crate::kv::reply::Written;
use crate::lifetime;
use crate::permission::Permission;
use crate::problem::{Problem, Refusals};
use crate::value::{Encoding, from_base64};

/// What to store.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct PutMany {
    /// The entries.
    #[schema(max_items = 256, value_type = Vec<NewEntryForm>)]
    entries: Vec<NewEntry>,
    /// How long all of them live, in milliseconds. Without it, for ever.
    #[serde(default, deserialize_with = "whole::unsigned")]
    #[schema(minimum = 1, maximum = 250000000000000_u64)]
    ttl_millis: Option<u64>,
}

/// An entry to store, as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEntry {
    key: String,
    value: Box<RawValue>,
    #[serde(default, deserialize_with = "not_null")]
    encoding: Option<Encoding>,
}

/// An entry to store, as it is described: serde would copy a value to find out which of the two it is.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) enum NewEntryForm {
    /// With a value that is any JSON.
    Json(NewJsonEntry),
    /// With a value that is a string of base64.
    Base64(NewBase64Entry),
}

/// An entry whose value is any JSON.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) struct NewJsonEntry {
    /// The key.
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    /// The value, kept as it was written.
    #[schema(value_type = serde_json::Value)]
    value: Box<RawValue>,
}

/// An entry whose value is base64.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) struct NewBase64Entry {
    /// The key.
    #[schema(min_length = 1, max_length = 512)]
    key: String,
    /// The value, with padding.
    #[schema(
        content_encoding = "base64",
        pattern = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"
    )]
    value: String,
    /// Says that it is base64.
    encoding: Encoding,
}

/// The answers, in the order of the entries.
#[derive(Serialize, ToSchema)]
pub(crate) struct PutManyAnswer {
    /// One for each position.
    items: Vec<Put>,
    /// How many could not be stored: their positions have `error`.
    failed: usize,
}

/// What an entry came to.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Put {
    /// It is stored.
    Written(Written),
    /// It could not be stored.
    Failed(Failed),
}

/// Stores up to 256 entries, without conditions. Some may be stored and others not.
///
/// Of a key that is given twice the last value is stored.
#[utoipa::path(
    post,
    path = "/v1/kv/{binding}/put-many",
    tag = "kv",
    operation_id = "putMany",
    params(("binding" = String, Path, description = "The binding.")),
    request_body = PutMany,
    responses((status = 200, description = "An answer for each position.", body = PutManyAnswer), Refusals)
)]
pub(crate) async fn put_many(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    JsonBody(PutMany { entries, ttl_millis }): JsonBody<PutMany>,
) -> Result<Json<PutManyAnswer>, Problem> {
    check_size("entries", entries.len())?;
    let bytes = entries.iter().map(|entry| entry.value.get().len()).sum();
    let read = move || {
        entries.into_iter().enumerate().map(|(at, entry)| entry.read(at)).collect::<Result<Vec<_>, Problem>>()
    };
    let entries = aside(bytes, read).await?;
    let ttl = lifetime::of_millis(ttl_millis, "ttlMillis")?;
    let keys: Vec<_> = entries.iter().map(|(key, _)| key.clone()).collect();
    let kv = caller.open(&gateway, &binding, Permission::Write).await?;
    let parts = &[("the key", "entries"), ("the value", "entries"), ("the TTL", "ttlMillis")];
    let stored = kv.put_many(entries, ttl).await.map_err(|error| Problem::from(error).about(parts))?;
    let mut failed = 0;
    let items = keys.into_iter().zip(stored).map(|(key, stored)| match stored {
        Ok(version) => Put::Written(Written { key, version: version.to_string() }),
        Err(error) => {
            failed += 1;
            Put::Failed(Failed { key: Some(key), ..Failed::of(error) })
        }
    });
    let items = items.collect();
    Ok(Json(PutManyAnswer { items, failed }))
}

impl NewEntry {
    fn read(self, at: usize) -> Result<(String, Bytes), Problem> {
        let value = match self.encoding {
            None => Bytes::from(String::from(Box::<str>::from(self.value))),
            Some(Encoding::Base64) => serde_json::from_str::<String>(self.value.get())
                .ok()
                .and_then(|text| from_base64(&text))
                .ok_or_else(|| {
                    Problem::invalid(
                        format!("entries[{at}].value"),
                        "must be a string of base64 with padding",
                    )
                })?,
        };
        Ok((self.key, value))
    }
}

/// An encoding that is given is one.
fn not_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Encoding>, D::Error> {
    Encoding::deserialize(deserializer).map(Some)
}
