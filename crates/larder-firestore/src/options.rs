//! How to reach a collection.

use std::path::PathBuf;
use std::time::Duration;

/// How to reach a collection.
///
/// ```
/// use larder_firestore::FirestoreOptions;
///
/// let options = FirestoreOptions::new("my-project", "cache").endpoint_url("http://127.0.0.1:8080");
/// assert_eq!(options.database, "(default)");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FirestoreOptions {
    /// The project's id.
    pub project: String,
    /// The database's id; `(default)` unless told.
    pub database: String,
    /// The collection at the root of the database. It need not exist: Firestore has no such thing as making one.
    pub collection: String,
    /// Another server than Google's: an emulator, a private endpoint. Without it the variable `FIRESTORE_EMULATOR_HOST` is
    /// heeded, as by all clients of Firestore.
    pub endpoint_url: Option<String>,
    /// Who asks.
    pub credentials: Credentials,
    /// How long connecting may take, and how long a request waits for a token; 1 s unless told (E4).
    pub connect_timeout: Duration,
    /// The most connections that new requests go to, of which each carries 100 at a time; at least 1, 16 unless told. A
    /// second one is opened when the first is full. One that broke is left while its requests end; with those there are at
    /// most twice as many.
    pub max_channels: usize,
}

impl FirestoreOptions {
    /// A collection in a project's default database, with the credentials that the environment gives.
    pub fn new(project: impl Into<String>, collection: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            database: firestore::FIREBASE_DEFAULT_DATABASE_ID.to_owned(),
            collection: collection.into(),
            endpoint_url: None,
            credentials: Credentials::Environment,
            connect_timeout: Duration::from_secs(1),
            max_channels: 16,
        }
    }

    /// Another database than the default one.
    #[must_use]
    pub fn database(mut self, database: impl Into<String>) -> Self {
        self.database = database.into();
        self
    }

    /// Another server than Google's.
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

    /// How long connecting may take, and how long a request waits for a token.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The most connections that new requests go to.
    #[must_use]
    pub fn max_channels(mut self, channels: usize) -> Self {
        self.max_channels = channels;
        self
    }
}

/// Who asks.
///
/// Real credentials go over TLS only, or to this machine: with a plain `http` endpoint elsewhere they are refused.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Credentials {
    /// To a plain `http` endpoint, which is an emulator, what emulators expect; to all others
    /// [`Credentials::ApplicationDefault`].
    #[default]
    Environment,
    /// Google's application default credentials: the file that `GOOGLE_APPLICATION_CREDENTIALS` names, the one that
    /// `gcloud auth application-default login` wrote, or the metadata server of the machine, pod or service.
    ApplicationDefault,
    /// A credentials file: the key of a service account, workload identity federation, or a user's.
    File(PathBuf),
    /// What emulators expect: a token that is none.
    Emulator,
}
