//! `POST /v1/kv/{binding}/get-many`.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use larder::{Entry, Result as Read};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{KeyText, check_size};
use crate::aside::aside;
use crate::caller::Caller;
use crate::extract::JsonBody;
use crate::gateway::Gateway;
use crate::kv::item::{Failed, Item, Values};
use crate::permission::Permission;
use crate::problem::{Problem, Refusals};

/// Which keys to read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetMany {
    /// The keys.
    #[schema(max_items = 256, value_type = Vec<KeyText>)]
    keys: Vec<String>,
    /// How values are shown; `base64` unless told.
    #[serde(default)]
    values: Values,
}

/// The answers, in the order of the keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct GotMany {
    /// One for each position.
    items: Vec<Got>,
    /// How many could not be read: their positions have `error`.
    failed: usize,
}

/// What a key came to.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Got {
    /// It is there.
    Item(Item),
    /// It could not be read.
    Failed(Failed),
    /// It is not there.
    Absent(Absent),
}

/// A key that is not there.
#[derive(Serialize, ToSchema)]
pub(crate) struct Absent {
    /// The key.
    key: String,
    /// Always true.
    absent: bool,
}

/// Reads up to 256 keys. The reads are not one snapshot.
#[utoipa::path(
    post,
    path = "/v1/kv/{binding}/get-many",
    tag = "kv",
    operation_id = "getMany",
    params(("binding" = String, Path, description = "The binding.")),
    request_body = GetMany,
    responses((status = 200, description = "An answer for each position.", body = GotMany), Refusals)
)]
pub(crate) async fn get_many(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    JsonBody(GetMany { keys, values }): JsonBody<GetMany>,
) -> Result<Response, Problem> {
    check_size("keys", keys.len())?;
    let kv = caller.open(&gateway, &binding, Permission::Read).await?;
    let found =
        kv.get_many(&keys).await.map_err(|error| Problem::from(error).about(&[("the key", "keys")]))?;
    let bytes = found.iter().flatten().flatten().map(|entry| entry.value().len()).sum();
    aside(bytes, move || Ok(Json(got(keys, found, values)?).into_response())).await
}

fn got(keys: Vec<String>, found: Vec<Read<Option<Entry>>>, values: Values) -> Result<GotMany, Problem> {
    let mut failed = 0;
    let items = keys.into_iter().zip(found).map(|(key, found)| match found {
        Ok(Some(entry)) => Item::of(&entry, values).map(Got::Item),
        Ok(None) => Ok(Got::Absent(Absent { key, absent: true })),
        Err(error) => {
            failed += 1;
            Ok(Got::Failed(Failed { key: Some(key), ..Failed::of(error) }))
        }
    });
    let items = items.collect::<Result<_, Problem>>()?;
    Ok(GotMany { items, failed })
}
