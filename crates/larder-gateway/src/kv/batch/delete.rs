//! `POST /v1/kv/{binding}/delete-many`.

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{KeyText, check_size};
use crate::caller::Caller;
use crate::extract::JsonBody;
use crate::gateway::Gateway;
use crate::kv::item::Failed;
use crate::permission::Permission;
use crate::problem::{Problem, Refusals};

/// Which keys to make absent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteMany {
    /// The keys.
    #[schema(max_items = 256, value_type = Vec<KeyText>)]
    keys: Vec<String>,
}

/// The answers, in the order of the keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedMany {
    /// One for each position.
    items: Vec<Deleted>,
    /// How many may be there still: their positions have `error`.
    failed: usize,
}

/// What a key came to.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Deleted {
    /// It could not be deleted.
    Failed(Failed),
    /// It is absent.
    Absent {
        /// The key.
        key: String,
    },
}

/// Makes up to 256 keys absent. Some may be deleted and others not.
#[utoipa::path(
    post,
    path = "/v1/kv/{binding}/delete-many",
    tag = "kv",
    operation_id = "deleteMany",
    params(("binding" = String, Path, description = "The binding.")),
    request_body = DeleteMany,
    responses((status = 200, description = "An answer for each position.", body = DeletedMany), Refusals)
)]
pub(crate) async fn delete_many(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    JsonBody(DeleteMany { keys }): JsonBody<DeleteMany>,
) -> Result<Json<DeletedMany>, Problem> {
    check_size("keys", keys.len())?;
    let kv = caller.open(&gateway, &binding, Permission::Delete).await?;
    let deleted =
        kv.delete_many(&keys).await.map_err(|error| Problem::from(error).about(&[("the key", "keys")]))?;
    let mut failed = 0;
    let items = keys.into_iter().zip(deleted).map(|(key, deleted)| match deleted {
        Ok(()) => Deleted::Absent { key },
        Err(error) => {
            failed += 1;
            Deleted::Failed(Failed { key: Some(key), ..Failed::of(error) })
        }
    });
    let items = items.collect();
    Ok(Json(DeletedMany { items, failed }))
}
