//! Where the stores of a stack are made: a platform, and a place on it.

use std::path::{Path, PathBuf};

use larder::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::names::store_name;
use crate::platform::Platform;

/// Where the stores of a stack are made. None of it is a secret: credentials come from where the platform's own tools find
/// them, and are named, never held.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Target {
    /// Directories on this machine.
    Local(LocalTarget),
    /// Tables of Amazon DynamoDB.
    Aws(AwsTarget),
    /// Collections of Google Cloud Firestore.
    Gcp(GcpTarget),
    /// Tables of Azure Table Storage.
    Azure(AzureTarget),
}

/// Directories on this machine.
#[derive(Clone, Debug)]
pub struct LocalTarget {
    /// The directory in which each store gets one of its own.
    pub data_dir: PathBuf,
}

/// Tables of Amazon DynamoDB.
#[derive(Clone, Debug, Default)]
pub struct AwsTarget {
    /// The region, as `eu-central-1`.
    pub region: String,
    /// Another server than the region's.
    pub endpoint_url: Option<String>,
    /// A profile of the shared AWS files, which the bindings then name too.
    pub profile: Option<String>,
}

/// Collections of Google Cloud Firestore.
#[derive(Clone, Debug, Default)]
pub struct GcpTarget {
    /// The project's id.
    pub project: String,
    /// The database's id; `(default)` unless told.
    pub database: Option<String>,
    /// Where to make the database if it is not there, as `eur3`; without it, it has to be there.
    pub location: Option<String>,
    /// Another server than Google's.
    pub endpoint_url: Option<String>,
    /// A credentials file, which the bindings then name too, by its whole path.
    pub credentials_file: Option<String>,
}

/// Tables of Azure Table Storage.
#[derive(Clone, Debug, Default)]
pub struct AzureTarget {
    /// The storage account, which has to be there.
    pub account: String,
    /// Its resource group.
    pub resource_group: Option<String>,
    /// Another server than the account's.
    pub endpoint_url: Option<String>,
    /// The variable that holds the account's key, here and where the bindings are used; without it, an identity of Entra
    /// ID asks.
    pub account_key_variable: Option<String>,
}

impl LocalTarget {
    /// The directory that is used when nobody names one.
    pub const DEFAULT_DIR: &'static str = ".larder-stores";
}

impl Default for LocalTarget {
    fn default() -> Self {
        Self { data_dir: PathBuf::from(Self::DEFAULT_DIR) }
    }
}

impl Target {
    /// The platform.
    pub fn platform(&self) -> Platform {
        match self {
            Self::Local(_) => Platform::Local,
            Self::Aws(_) => Platform::Aws,
            Self::Gcp(_) => Platform::Gcp,
            Self::Azure(_) => Platform::Azure,
        }
    }

    /// The binding of a resource, as `docs/bindings.md` has it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a directory or a file whose whole path cannot be told, or is no text.
    pub(crate) fn binding(&self, id: &str) -> Result<Value> {
        let name = store_name(self.platform(), id);
        let mut binding = match self {
            Self::Local(target) => {
                json!({ "service": "local-kv", "dataDir": whole(&target.data_dir.join(name))? })
            }
            Self::Aws(target) => json!({
                "service": "dynamodb",
                "tableName": name,
                "region": target.region,
                "endpointUrl": target.endpoint_url,
                "profile": target.profile,
            }),
            Self::Gcp(target) => json!({
                "service": "firestore",
                "projectId": target.project,
                "databaseId": target.database,
                "collectionName": name,
                "endpointUrl": target.endpoint_url,
                "credentialsFile":
                    target.credentials_file.as_deref().map(|file| whole(Path::new(file))).transpose()?,
            }),
            Self::Azure(target) => json!({
                "service": "tablestorage",
                "accountName": target.account,
                "tableName": name,
                "resourceGroupName": target.resource_group,
                "endpointUrl": target.endpoint_url,
                "accountKey": target.account_key_variable.as_ref().map(|variable| json!({ "env": variable })),
            }),
        };
        if let Some(members) = binding.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        Ok(binding)
    }
}

/// The whole path: services read the binding in another directory than this one.
fn whole(path: &Path) -> Result<String> {
    let fault = |why: String| Error::new(ErrorKind::InvalidInput, format!("{}: {why}", path.display()));
    let path = std::path::absolute(path).map_err(|error| fault(error.kind().to_string()))?;
    path.into_os_string()
        .into_string()
        .map_err(|_| fault("it is not UTF-8, and a binding is: use another name".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_names_its_files_by_their_whole_paths() {
        let here = std::env::current_dir().expect("a directory");
        let gcp = |file: &str| {
            let credentials_file = Some(file.to_owned());
            let target =
                GcpTarget { project: "p-roject".to_owned(), credentials_file, ..GcpTarget::default() };
            Target::Gcp(target).binding("cache").expect("a binding")["credentialsFile"].clone()
        };
        assert_eq!(gcp("keys/key.json"), here.join("keys/key.json").to_str().expect("text"));
        assert_eq!(gcp("/etc/key.json"), "/etc/key.json");
        let local = Target::Local(LocalTarget { data_dir: "stores".into() });
        let dir = local.binding("cache").expect("a binding")["dataDir"].clone();
        assert_eq!(dir, here.join("stores/cache-5e1ecee0").to_str().expect("text"));
    }
}
