//! How to reach a table.

use std::time::Duration;

use larder_core::Result;

use crate::connection_string::ConnectionString;
use crate::credentials::Credentials;

/// How to reach a table.
///
/// ```
/// use larder_tables::{Credentials, TablesOptions};
///
/// let options = TablesOptions::new("acme", "cache").credentials(Credentials::AccountKey("c2VjcmV0".into()));
/// assert!(!format!("{options:?}").contains("c2VjcmV0"), "credentials are not shown");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TablesOptions {
    /// The storage account's name.
    pub account: String,
    /// The table's name: 3 to 63 characters of A-Z a-z 0-9, a letter first.
    pub table: String,
    /// Another server than the account's in the public cloud: an emulator, a sovereign cloud. Of an emulator it ends with
    /// the account's name: `http://127.0.0.1:10002/devstoreaccount1`.
    pub endpoint_url: Option<String>,
    /// Who asks.
    pub credentials: Credentials,
    /// The shards that a table gets which is empty and has no layout record: 1, 4 or 16 (16 unless told). A table that
    /// has one keeps its own.
    pub shards: u16,
    /// How long connecting may take; 1 s unless told (E4).
    pub connect_timeout: Duration,
}

impl TablesOptions {
    /// A table of an account, with the identity that the environment gives.
    pub fn new(account: impl Into<String>, table: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            table: table.into(),
            endpoint_url: None,
            credentials: Credentials::Environment,
            shards: 16,
            connect_timeout: Duration::from_secs(1),
        }
    }

    /// A table of the account that a connection string names, as the portal shows it.
    ///
    /// `AccountName`, `AccountKey`, `SharedAccessSignature`, `TableEndpoint`, `EndpointSuffix`,
    /// `DefaultEndpointsProtocol` and `UseDevelopmentStorage=true` are understood; what is meant for other services is
    /// left alone.
    ///
    /// ```
    /// use larder_tables::TablesOptions;
    ///
    /// let text = "AccountName=acme;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net";
    /// assert_eq!(TablesOptions::from_connection_string(text, "cache")?.account, "acme");
    /// # Ok::<(), larder_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for what is no connection string, or names no account or no credential. The text is not quoted.
    pub fn from_connection_string(text: &str, table: impl Into<String>) -> Result<Self> {
        let parsed = ConnectionString::parse(text)?;
        let mut options = Self::new(parsed.account, table).credentials(parsed.credentials);
        options.endpoint_url = parsed.endpoint_url;
        Ok(options)
    }

    /// Another server than the account's in the public cloud.
    #[must_use]
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// Who asks.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// How long connecting may take.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The shards of a table that is new: 1, 4 or 16.
    #[must_use]
    pub fn shards(mut self, shards: u16) -> Self {
        self.shards = shards;
        self
    }
}
