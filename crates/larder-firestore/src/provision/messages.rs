//! What the Admin API says, as far as it is read. The names are those of its published description.

use serde::Deserialize;

/// A database.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Database {
    pub(super) location_id: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<DatabaseType>,
}

#[derive(PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum DatabaseType {
    FirestoreNative,
    DatastoreMode,
    #[serde(other)]
    Other,
}

/// The settings of a field in all collections of one name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Field {
    pub(super) index_config: Option<IndexConfig>,
    pub(super) ttl_config: Option<TtlConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct IndexConfig {
    /// Only how many there are matters.
    pub(super) indexes: Vec<serde::de::IgnoredAny>,
    pub(super) uses_ancestor_config: bool,
    pub(super) reverting: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TtlConfig {
    pub(super) state: Option<TtlState>,
    /// A duration, as `3.5s`.
    pub(super) expiration_offset: Option<String>,
}

#[derive(PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum TtlState {
    Creating,
    Active,
    NeedsRepair,
    #[serde(other)]
    Other,
}

/// Something that Google does in its own time.
#[derive(Debug, Deserialize)]
pub(super) struct Operation {
    pub(super) name: String,
    #[serde(default)]
    pub(super) done: bool,
    pub(super) error: Option<Status>,
}

/// How an operation ended. Its message quotes names and is not read.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) code: i32,
}

/// An answer of no success.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) error: RefusalDetail,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefusalDetail {
    /// The code's name, as `NOT_FOUND`.
    pub(super) status: Option<String>,
}
