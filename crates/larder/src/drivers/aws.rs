//! Opens `dynamodb` bindings with `larder-dynamodb`.

use larder_core::{Error, ErrorKind, Kv};
use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions};

use crate::binding::{Binding, DynamoDb};
use crate::service::Opening;
use crate::settings::Settings;

pub(crate) fn open(binding: &Binding, settings: &Settings) -> Opening {
    let binding = binding.clone();
    let connect_timeout = settings.retry.connect_timeout;
    Box::pin(async move {
        let Binding::DynamoDb(binding) = binding else {
            return Err(Error::new(ErrorKind::Internal, "another service's binding came to dynamodb"));
        };
        Ok(Kv::builder(
            DynamoDbDriver::open(binding.driver_options().connect_timeout(connect_timeout)).await?,
        ))
    })
}

impl DynamoDb {
    /// How the driver reaches the table: for programs that make it.
    pub fn driver_options(self) -> DynamoDbOptions {
        let mut options = DynamoDbOptions::new(self.table_name, self.region);
        options.endpoint_url = self.endpoint_url;
        options.credentials = match (self.credentials, self.profile) {
            (Some(keys), _) => Credentials::Keys {
                id: keys.access_key_id.expose().to_owned(),
                secret: keys.secret_access_key.expose().to_owned(),
                session_token: keys.session_token.map(|token| token.expose().to_owned()),
            },
            (None, Some(profile)) => Credentials::Profile(profile),
            (None, None) => Credentials::Environment,
        };
        options
    }
}
