//! How to reach a table.

use std::fmt;
use std::time::Duration;

/// How to reach a table.
///
/// ```
/// use larder_dynamodb::{Credentials, DynamoDbOptions};
///
/// let options = DynamoDbOptions::new("cache", "eu-central-1")
///     .endpoint_url("http://127.0.0.1:8000")
///     .credentials(Credentials::Keys { id: "test".into(), secret: "test".into(), session_token: None });
/// assert!(!format!("{options:?}").contains("test\""), "credentials are not shown");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DynamoDbOptions {
    /// The table's name or ARN.
    pub table: String,
    /// The region, as `eu-central-1`.
    pub region: String,
    /// Another server than the region's: an emulator, a VPC endpoint.
    pub endpoint_url: Option<String>,
    /// Who asks.
    pub credentials: Credentials,
    /// The shards that a table gets which is empty and has no layout record: 1, 4 or 16 (16 unless told). A table that
    /// has one keeps its own.
    pub shards: u16,
    /// How long connecting may take; 1 s unless told (E4).
    pub connect_timeout: Duration,
}

impl DynamoDbOptions {
    /// A table in a region, with the credentials that the environment gives.
    pub fn new(table: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            region: region.into(),
            endpoint_url: None,
            credentials: Credentials::Environment,
            shards: 16,
            connect_timeout: Duration::from_secs(1),
        }
    }

    /// Another server than the region's.
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

/// Who asks.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Credentials {
    /// What the AWS environment gives: variables, the shared files, a web identity, a container's or machine's role.
    #[default]
    Environment,
    /// A profile of the shared files.
    Profile(String),
    /// An access key.
    Keys {
        /// The key's id.
        id: String,
        /// The key.
        secret: String,
        /// The token that temporary keys come with.
        session_token: Option<String>,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::Profile(name) => f.debug_tuple("Profile").field(name).finish(),
            Self::Keys { .. } => f.write_str("Keys(..)"),
        }
    }
}
