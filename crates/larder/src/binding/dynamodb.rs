//! `dynamodb`: a table of Amazon DynamoDB.

use super::{Binding, Fields, check};
use crate::Secret;
use crate::fault::Fault;

pub(crate) const NAME: &str = "dynamodb";
pub(crate) const FIELDS: &[&str] =
    &["tableName", "region", "endpointUrl", "profile", "accessKeyId", "secretAccessKey", "sessionToken"];
pub(crate) const IN_PATH: &[&str] = &["tableName"];

/// A table of Amazon DynamoDB.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DynamoDb {
    /// The table's name or ARN.
    pub table_name: String,
    /// The region, as `eu-central-1`.
    pub region: String,
    /// Another server than the region's: an emulator, a VPC endpoint.
    pub endpoint_url: Option<String>,
    /// A profile of the shared AWS files, for its credentials.
    pub profile: Option<String>,
    /// The credentials of this binding; without them, those that the AWS environment gives.
    pub credentials: Option<AwsCredentials>,
}

/// An access key of AWS.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AwsCredentials {
    /// The key's id.
    pub access_key_id: Secret,
    /// The key.
    pub secret_access_key: Secret,
    /// The token that temporary keys come with.
    pub session_token: Option<Secret>,
}

pub(crate) fn read(mut fields: Fields) -> Result<Binding, Fault> {
    let table_name = check::name(
        "tableName",
        fields.required("tableName")?,
        "the table's ARN, or a name of 3 to 255 characters of A-Z a-z 0-9 - _ .",
        is_table,
    )?;
    // It becomes part of a host name.
    let region = check::name(
        "region",
        fields.required("region")?,
        "a region's name: 1 to 64 characters of a-z A-Z 0-9 -",
        |region| region.len() <= 64 && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
    )?;
    let endpoint_url = check::endpoint(&mut fields)?;
    let credentials = credentials(&mut fields)?;
    let profile = fields.optional("profile");
    if profile.is_some() && credentials.is_some() {
        return Err(Fault::new("profile and accessKeyId are given both; give one of them"));
    }
    Ok(Binding::DynamoDb(DynamoDb { table_name, region, endpoint_url, profile, credentials }))
}

fn is_table(name: &str) -> bool {
    let is_name =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    match name.strip_prefix("arn:") {
        Some(arn) => {
            arn.len() <= 1024
                && arn.rsplit_once(":table/").is_some_and(|(_, name)| !name.is_empty() && is_name(name))
        }
        None => (3..=255).contains(&name.len()) && is_name(name),
    }
}

fn credentials(fields: &mut Fields) -> Result<Option<AwsCredentials>, Fault> {
    let id = fields.optional_secret("accessKeyId");
    let secret = fields.optional_secret("secretAccessKey");
    let session_token = fields.optional_secret("sessionToken");
    match (id, secret) {
        (Some(access_key_id), Some(secret_access_key)) => {
            Ok(Some(AwsCredentials { access_key_id, secret_access_key, session_token }))
        }
        (None, None) if session_token.is_none() => Ok(None),
        (None, None) => Err(Fault::new("sessionToken needs accessKeyId and secretAccessKey beside it")),
        // Half a key that falls back to the environment's would be the wrong identity in silence.
        (Some(_), None) => Err(Fault::new("secretAccessKey is missing; accessKeyId needs it")),
        (None, Some(_)) => Err(Fault::new("accessKeyId is missing; secretAccessKey needs it")),
    }
}
