//! `tablestorage`: a table of Azure Table Storage.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Binding, Fields, check};
use crate::Secret;
use crate::fault::Fault;

pub(crate) const NAME: &str = "tablestorage";
pub(crate) const FIELDS: &[&str] = &[
    "accountName",
    "tableName",
    "resourceGroupName",
    "endpointUrl",
    "accountKey",
    "sasToken",
    "connectionString",
];
pub(crate) const IN_PATH: &[&str] = &["accountName", "tableName"];

/// A table of Azure Table Storage.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TableStorage {
    /// The storage account's name.
    pub account_name: String,
    /// The table's name.
    pub table_name: String,
    /// The account's resource group. Only provisioning needs it.
    pub resource_group_name: Option<String>,
    /// Another server than the account's: an emulator, a sovereign cloud.
    pub endpoint_url: Option<String>,
    /// The credential of this binding; without one, the identity that the Azure environment gives.
    pub credential: Option<TableCredential>,
}

/// What lets a request in to Azure Table Storage.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TableCredential {
    /// The account's key, in base64.
    AccountKey(Secret),
    /// A shared access signature, without a `?` before it.
    SasToken(Secret),
    /// The account's connection string, as the portal shows it.
    ConnectionString(Secret),
}

pub(crate) fn read(mut fields: Fields) -> Result<Binding, Fault> {
    // It becomes part of a host name.
    let account_name = check::name(
        "accountName",
        fields.required("accountName")?,
        "a storage account's name: 3 to 24 characters of a-z 0-9",
        |name| {
            (3..=24).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        },
    )?;
    let table_name = check::name(
        "tableName",
        fields.required("tableName")?,
        "a table's name: 3 to 63 characters of A-Z a-z 0-9, a letter first",
        |name| {
            (3..=63).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && name.starts_with(|first: char| first.is_ascii_alphabetic())
        },
    )?;
    let resource_group_name = fields.optional("resourceGroupName");
    let endpoint_url = check::endpoint(&mut fields)?;
    let given = (
        fields.optional("accountKey"),
        fields.optional("sasToken"),
        fields.optional_secret("connectionString"),
    );
    let credential = match given {
        (None, None, None) => None,
        (Some(key), None, None) => Some(TableCredential::AccountKey(account_key(key)?)),
        (None, Some(token), None) => Some(TableCredential::SasToken(sas_token(&token)?)),
        (None, None, Some(text)) => Some(TableCredential::ConnectionString(text)),
        (Some(_), Some(_), None) => {
            return Err(Fault::new("accountKey and sasToken are both given; give one"));
        }
        (_, _, Some(_)) => {
            return Err(Fault::new("connectionString is given beside accountKey or sasToken; give one"));
        }
    };
    Ok(Binding::TableStorage(TableStorage {
        account_name,
        table_name,
        resource_group_name,
        endpoint_url,
        credential,
    }))
}

fn account_key(key: String) -> Result<Secret, Fault> {
    // The decoder's own message shows a byte of the key.
    match STANDARD.decode(&key) {
        Ok(_) => Ok(Secret::new(key)),
        Err(_) => Err(Fault::new("accountKey must be base64, as the portal shows it")),
    }
}

fn sas_token(token: &str) -> Result<Secret, Fault> {
    let token = token.strip_prefix('?').unwrap_or(token);
    if token.split('&').any(|pair| pair.strip_prefix("sig=").is_some_and(|signature| !signature.is_empty())) {
        return Ok(Secret::new(token.to_owned()));
    }
    Err(Fault::new("sasToken must be the query of a shared access signature, with its sig"))
}
