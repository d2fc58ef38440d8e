//! Opens `tablestorage` bindings with `larder-tables`.

use larder_core::{Error, ErrorKind, Kv, Result};
use larder_tables::{Credentials, TablesDriver, TablesOptions};

use crate::binding::{Binding, TableCredential, TableStorage};
use crate::service::Opening;
use crate::settings::Settings;

pub(crate) fn open(binding: &Binding, settings: &Settings) -> Opening {
    let binding = binding.clone();
    let connect_timeout = settings.retry.connect_timeout;
    Box::pin(async move {
        let Binding::TableStorage(binding) = binding else {
            return Err(Error::new(ErrorKind::Internal, "another service's binding came to tablestorage"));
        };
        Ok(Kv::builder(TablesDriver::open(binding.driver_options()?.connect_timeout(connect_timeout)).await?))
    })
}

impl TableStorage {
    /// How the driver reaches the table: for programs that make it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a connection string that cannot be read, or is of another account.
    pub fn driver_options(self) -> Result<TablesOptions> {
        let mut options = match self.credential {
            Some(TableCredential::ConnectionString(text)) => {
                let options = TablesOptions::from_connection_string(text.expose(), self.table_name)?;
                if options.account != self.account_name {
                    let reason = "connectionString is of another account than accountName";
                    return Err(Error::new(ErrorKind::InvalidInput, reason));
                }
                options
            }
            credential => {
                TablesOptions::new(self.account_name, self.table_name).credentials(credentials(credential))
            }
        };
        if let Some(url) = self.endpoint_url {
            options.endpoint_url = Some(url);
        }
        Ok(options)
    }
}

fn credentials(credential: Option<TableCredential>) -> Credentials {
    match credential {
        Some(TableCredential::AccountKey(key)) => Credentials::AccountKey(key.expose().to_owned()),
        Some(TableCredential::SasToken(token)) => Credentials::Sas(token.expose().to_owned()),
        Some(TableCredential::ConnectionString(_)) | None => Credentials::Environment,
    }
}
