//! `firestore`: a collection of Google Cloud Firestore.

use super::{Binding, Fields, check};
use crate::fault::Fault;

pub(crate) const NAME: &str = "firestore";
pub(crate) const FIELDS: &[&str] =
    &["projectId", "databaseId", "collectionName", "endpointUrl", "credentialsFile"];
pub(crate) const IN_PATH: &[&str] = &["projectId", "databaseId", "collectionName"];

/// The database that a project has unless told otherwise.
const DEFAULT_DATABASE: &str = "(default)";

/// A collection of Google Cloud Firestore.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Firestore {
    /// The project's id.
    pub project_id: String,
    /// The database's id; `(default)` unless told.
    pub database_id: String,
    /// The collection at the root of the database.
    pub collection_name: String,
    /// Another server than Google's: an emulator.
    pub endpoint_url: Option<String>,
    /// A credentials file of this binding's own; without it, Google's application default credentials.
    pub credentials_file: Option<String>,
}

pub(crate) fn read(mut fields: Fields) -> Result<Binding, Fault> {
    let project_id = segment("projectId", fields.required("projectId")?)?;
    let database_id = match fields.optional("databaseId") {
        Some(id) => segment("databaseId", id)?,
        None => DEFAULT_DATABASE.to_owned(),
    };
    let collection_name = check::name(
        "collectionName",
        segment("collectionName", fields.required("collectionName")?)?,
        "a collection's name: at most 1500 bytes, not between two __",
        |name| name.len() <= 1_500 && !is_reserved(name),
    )?;
    let endpoint_url = check::endpoint(&mut fields)?;
    let credentials_file = fields.optional("credentialsFile");
    Ok(Binding::Firestore(Firestore {
        project_id,
        database_id,
        collection_name,
        endpoint_url,
        credentials_file,
    }))
}

/// Refuses what would name something else once it stands in a resource path.
fn segment(field: &str, value: String) -> Result<String, Fault> {
    check::name(field, value, "one segment of a resource path: without /, not . or ..", |value| {
        !value.contains('/') && !matches!(value, "." | "..")
    })
}

fn is_reserved(name: &str) -> bool {
    name.len() >= 4 && name.starts_with("__") && name.ends_with("__")
}
