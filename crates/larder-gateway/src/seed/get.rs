//! `GET /v1/operations/data`: one key, or a page of a prefix.

#![expect(unused_qualifications, reason = "the code that utoipa makes of params(…)")]

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use larder::{Cursor, Entry, ScanOptions};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use crate::aside::aside;
use crate::caller::Caller;
use crate::extract::Query;
use crate::gateway::Gateway;
use crate::permission::Permission;
use crate::problem::{Code, Problem, ProblemBody, Refusals};
use crate::seed::{KEY, SCAN};
use crate::value::{Encoding, Shown, json_or_base64, rfc3339};

/// Which entries: those of one key, or those under a prefix.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The key. Not together with the other parameters.
    #[param(min_length = 1, max_length = 512)]
    key: Option<String>,
    /// The prefix of the keys; the empty one is that of all.
    #[param(max_length = 512)]
    prefix: Option<String>,
    /// Where to go on: the `cursor` of the page before, which was of the same prefix.
    cursor: Option<String>,
    /// The most entries of the page; 100 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// An entry.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DataEntry {
    /// The key.
    key: String,
    /// The value: as it is where it is JSON, otherwise a string of base64, and `encoding` says so.
    #[schema(value_type = serde_json::Value)]
    value: Box<RawValue>,
    /// How the value is written, if it is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<Encoding>,
    /// When the entry expires, as RFC 3339; not there for one that stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// A page of entries, in the order of their keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct DataPage {
    /// The entries.
    items: Vec<DataItem>,
    /// Where to go on; null at the end.
    #[schema(required)]
    cursor: Option<String>,
}

/// An entry of a page, or the error that stands in its place.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum DataItem {
    /// An entry.
    Entry(DataEntry),
    /// A record that cannot be decoded.
    Failed {
        /// Its key, if that much is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// Why there is no value.
        error: ProblemBody,
    },
}

/// One entry, or a page.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code)]
pub(crate) enum Found {
    /// For `key`.
    Entry(DataEntry),
    /// For `prefix`.
    Page(DataPage),
}

/// Retrieves the entry of a key, or a page of those under a prefix.
///
/// Exactly one of `key` and `prefix` is given. A key that is not there is 404.
#[utoipa::path(
    get,
    path = "/v1/operations/data",
    tag = "data",
    operation_id = "scanData",
    params(Wanted),
    responses((status = 200, description = "The entry, or the page.", body = Found), Refusals)
)]
pub(super) async fn get_data(
    State(gateway): State<Gateway>,
    caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    match (wanted.key, wanted.prefix) {
        (Some(key), None) => {
            for (field, is_given) in [("cursor", wanted.cursor.is_some()), ("limit", wanted.limit.is_some())]
            {
                if is_given {
                    return Err(Problem::invalid(
                        field,
                        "belongs to a scan; leave it out, or give prefix for key",
                    ));
                }
            }
            let kv = caller.open(&gateway, gateway.stores().primary(), Permission::Read).await?;
            let entry = kv.get_entry(&key).await.map_err(|error| Problem::from(error).about(KEY))?;
            let entry = entry.ok_or_else(|| Problem::new(Code::NotFound, "the key is not there"))?;
            Ok(Json(shown(&entry)?).into_response())
        }
        (None, Some(prefix)) => {
            let mut options = ScanOptions::new();
            if let Some(limit) = wanted.limit {
                options = options.limit(limit);
            }
            if let Some(cursor) = wanted.cursor {
                let cursor: Cursor = cursor.parse().map_err(|error| Problem::from(error).about(SCAN))?;
                options = options.cursor(cursor);
            }
            let kv = caller.open(&gateway, gateway.stores().primary(), Permission::Scan).await?;
            let page =
                kv.scan_page(&prefix, options).await.map_err(|error| Problem::from(error).about(SCAN))?;
            let bytes = page.items.iter().flatten().map(|entry| entry.value().len()).sum();
            let show = move || {
                let items = page.items.into_iter().map(item).collect::<Result<_, _>>()?;
                let cursor = page.cursor.map(|cursor| cursor.to_string());
                Ok(Json(DataPage { items, cursor }).into_response())
            };
            aside(bytes, show).await
        }
        (Some(_), Some(_)) => Err(Problem::invalid("prefix", "and key exclude each other; give one of them")),
        (None, None) => Err(Problem::invalid("key", "is missing, and so is prefix; give one of them")),
    }
}

fn item(item: larder::Result<Entry>) -> Result<DataItem, Problem> {
    match item {
        Ok(entry) => shown(&entry).map(DataItem::Entry),
        Err(error) => {
            let key = error.key().map(str::to_owned);
            Ok(DataItem::Failed { key, error: Problem::from(error).body() })
        }
    }
}

fn shown(entry: &Entry) -> Result<DataEntry, Problem> {
    let Shown { value, encoding } = json_or_base64(entry.value())?;
    Ok(DataEntry {
        key: entry.key().to_owned(),
        value,
        encoding,
        expires_at: entry.expires_at().map(rfc3339),
    })
}
