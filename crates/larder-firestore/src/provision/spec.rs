//! What a collection is to be like.

use std::time::Duration;

/// What a collection is to be like, beside what every collection of Larder's is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CollectionSpec {
    /// Where the database comes from.
    pub database: DatabaseSource,
    /// Another server of the Admin API than the one of the data.
    pub admin_url: Option<String>,
    /// How long to wait for a setting of a field before it is reported as pending; 30 s unless told. On a large collection
    /// a TTL policy takes hours.
    pub field_wait: Duration,
}

/// Where the database comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum DatabaseSource {
    /// It has to be there already.
    #[default]
    MustExist,
    /// It is made in this location, as `eur3` or `europe-west3`, if it is not there. It is never removed.
    CreateIn(String),
}

impl CollectionSpec {
    /// In a database that is there, waiting 30 s for each field.
    pub fn new() -> Self {
        Self { database: DatabaseSource::default(), admin_url: None, field_wait: Duration::from_secs(30) }
    }

    /// Where the database comes from.
    #[must_use]
    pub fn database(mut self, database: DatabaseSource) -> Self {
        self.database = database;
        self
    }

    /// Another server of the Admin API than the one of the data.
    #[must_use]
    pub fn admin_url(mut self, url: impl Into<String>) -> Self {
        self.admin_url = Some(url.into());
        self
    }

    /// How long to wait for a setting of a field.
    #[must_use]
    pub fn field_wait(mut self, wait: Duration) -> Self {
        self.field_wait = wait;
        self
    }
}

impl Default for CollectionSpec {
    fn default() -> Self {
        Self::new()
    }
}
