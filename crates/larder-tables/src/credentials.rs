//! Who asks, and what of it the environment tells.

use std::fmt;
use std::path::PathBuf;

use larder_core::{Error, ErrorKind, Result};

/// Who asks.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Credentials {
    /// The identity that the Azure environment gives, the first of these that is there:
    ///
    /// - a client secret: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`,
    /// - a workload identity: `AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE`,
    /// - the managed identity of the machine or of the App Service, of `AZURE_CLIENT_ID` where there are several.
    ///
    /// `AZURE_AUTHORITY_HOST` names another token service than the public cloud's, and `AZURE_POD_IDENTITY_AUTHORITY_HOST`
    /// another metadata service than the machine's.
    #[default]
    Environment,
    /// The account's key, in base64, as the portal shows it.
    AccountKey(String),
    /// A shared access signature: the query, with or without its `?`.
    Sas(String),
    /// An application of Entra ID and its secret.
    ClientSecret {
        /// The directory.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// Its secret.
        secret: String,
        /// Another token service than the public cloud's. Plain HTTP is taken on loopback only.
        authority_url: Option<String>,
    },
    /// An application of Entra ID that a Kubernetes service account may speak for.
    WorkloadIdentity {
        /// The directory.
        tenant_id: String,
        /// The application.
        client_id: String,
        /// The file with the service account's token; read again as it is renewed.
        token_file: PathBuf,
        /// Another token service than the public cloud's. Plain HTTP is taken on loopback only.
        authority_url: Option<String>,
    },
    /// The identity of the machine or of the App Service.
    ManagedIdentity {
        /// Which identity, where there are several: its client id.
        client_id: Option<String>,
        /// Another metadata service than the machine's at 169.254.169.254.
        metadata_url: Option<String>,
    },
}

impl Credentials {
    /// What the environment stands for, by its variables; all else is itself.
    ///
    /// # Errors
    ///
    /// `Unauthorized` for half a credential: to go on with the machine's identity would be the wrong one in silence.
    pub(crate) fn resolved(self, variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        if !matches!(self, Self::Environment) {
            return Ok(self);
        }
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let needed = |name: &str, by: &str| {
            variable(name).ok_or_else(|| {
                Error::new(ErrorKind::Unauthorized, format!("{name} is not set, and {by} needs it"))
            })
        };
        let authority_url = variable("AZURE_AUTHORITY_HOST");
        if let Some(secret) = variable("AZURE_CLIENT_SECRET") {
            return Ok(Self::ClientSecret {
                tenant_id: needed("AZURE_TENANT_ID", "AZURE_CLIENT_SECRET")?,
                client_id: needed("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")?,
                secret,
                authority_url,
            });
        }
        if let Some(file) = variable("AZURE_FEDERATED_TOKEN_FILE") {
            return Ok(Self::WorkloadIdentity {
                tenant_id: needed("AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE")?,
                client_id: needed("AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")?,
                token_file: file.into(),
                authority_url,
            });
        }
        Ok(Self::ManagedIdentity {
            client_id: variable("AZURE_CLIENT_ID"),
            // What Azure's other libraries read for it.
            metadata_url: variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::AccountKey(_) => "AccountKey(..)",
            Self::Sas(_) => "Sas(..)",
            Self::ClientSecret { .. } => "ClientSecret(..)",
            Self::WorkloadIdentity { .. } => "WorkloadIdentity(..)",
            Self::ManagedIdentity { .. } => "ManagedIdentity(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(variables: &[(&str, &str)]) -> Result<Credentials> {
        Credentials::Environment.resolved(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_is_read_in_the_order_that_is_documented() {
        let both = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
        let secret =
            [&both[..], &[("AZURE_CLIENT_SECRET", "s"), ("AZURE_FEDERATED_TOKEN_FILE", "/f")]].concat();
        assert!(matches!(resolved(&secret), Ok(Credentials::ClientSecret { .. })));
        let workload =
            [&both[..], &[("AZURE_CLIENT_SECRET", ""), ("AZURE_FEDERATED_TOKEN_FILE", "/f")]].concat();
        assert!(matches!(resolved(&workload), Ok(Credentials::WorkloadIdentity { .. })));
        let machine = resolved(&both[1..]).expect("an identity");
        assert!(matches!(machine, Credentials::ManagedIdentity { client_id: Some(id), .. } if id == "c"));
        assert!(matches!(resolved(&[]), Ok(Credentials::ManagedIdentity { client_id: None, .. })));
    }

    #[test]
    fn half_a_credential_is_refused_by_name() {
        for (variables, missing) in [
            (&[("AZURE_CLIENT_SECRET", "hunter2")][..], "AZURE_TENANT_ID"),
            (&[("AZURE_CLIENT_SECRET", "hunter2"), ("AZURE_TENANT_ID", "t")], "AZURE_CLIENT_ID"),
            (&[("AZURE_FEDERATED_TOKEN_FILE", "/f"), ("AZURE_TENANT_ID", "t")], "AZURE_CLIENT_ID"),
        ] {
            let error = resolved(variables).expect_err(missing);
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
            assert!(error.to_string().contains(missing), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
