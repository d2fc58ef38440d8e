//! Entries in JSON documents.

use larder::{Entry, EntryInfo, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::headers::millis;
use crate::problem::{Problem, ProblemBody};
use crate::value::{Encoding, Shown, base64, json_or_base64, rfc3339};

/// How values stand in documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Values {
    /// As base64, whatever they are.
    #[default]
    Base64,
    /// As they are where they are JSON, otherwise as base64.
    Json,
    /// Not at all.
    None,
}

/// An entry.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    /// The key.
    key: String,
    /// The value: a string of base64 where `encoding` says so, otherwise JSON. Not there if values were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = serde_json::Value, required = false)]
    value: Option<Box<RawValue>>,
    /// How the value is written, if it is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<Encoding>,
    /// The entry's version: the `ETag` without its quotes.
    version: String,
    /// The lifetime that remained when the entry was read; not there for one that stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_millis: Option<u64>,
    /// When the entry expires, as RFC 3339; not there for one that stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// What stands in the place of an entry that could not be read or written.
#[derive(Serialize, ToSchema)]
pub(crate) struct Failed {
    /// The key, if that much is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// Why.
    pub(crate) error: ProblemBody,
}

/// An entry of a scan, or the error that stands in its place.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Scanned {
    /// An entry.
    Item(Item),
    /// A record that cannot be decoded.
    Failed(Failed),
}

impl Item {
    /// An entry, its value in this form.
    pub(crate) fn of(entry: &Entry, values: Values) -> Result<Self, Problem> {
        let Shown { value, encoding } = match values {
            Values::Base64 => base64(entry.value())?,
            Values::Json => json_or_base64(entry.value())?,
            Values::None => return Ok(Self::of_key(entry.info())),
        };
        Ok(Self { value: Some(value), encoding, ..Self::of_key(entry.info()) })
    }

    /// An entry without its value.
    pub(crate) fn of_key(info: &EntryInfo) -> Self {
        Self {
            key: info.key().to_owned(),
            value: None,
            encoding: None,
            version: info.version().to_string(),
            ttl_millis: info.ttl().map(millis),
            expires_at: info.expires_at().map(rfc3339),
        }
    }
}

impl Failed {
    /// What an error says, with the key that it names.
    pub(crate) fn of(error: larder::Error) -> Self {
        let key = error.key().map(str::to_owned);
        Self { key, error: Problem::from(error).body() }
    }
}

impl Scanned {
    /// What a scan came to.
    pub(crate) fn of<T>(
        item: Result<T>,
        show: impl FnOnce(T) -> Result<Item, Problem>,
    ) -> Result<Self, Problem> {
        match item {
            Ok(entry) => show(entry).map(Self::Item),
            Err(error) => Ok(Self::Failed(Failed::of(error))),
        }
    }
}
