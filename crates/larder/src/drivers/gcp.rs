//! Opens `firestore` bindings with `larder-firestore`.

use larder_core::{Error, ErrorKind, Kv};
use larder_firestore::{Credentials, FirestoreDriver, FirestoreOptions};

use crate::binding::{Binding, Firestore};
use crate::service::Opening;
use crate::settings::Settings;

pub(crate) fn open(binding: &Binding, settings: &Settings) -> Opening {
    let binding = binding.clone();
    let connect_timeout = settings.retry.connect_timeout;
    Box::pin(async move {
        let Binding::Firestore(binding) = binding else {
            return Err(Error::new(ErrorKind::Internal, "another service's binding came to firestore"));
        };
        Ok(Kv::builder(
            FirestoreDriver::open(binding.driver_options().connect_timeout(connect_timeout)).await?,
        ))
    })
}

impl Firestore {
    /// How the driver reaches the collection: for programs that make it.
    pub fn driver_options(self) -> FirestoreOptions {
        let mut options =
            FirestoreOptions::new(self.project_id, self.collection_name).database(self.database_id);
        options.endpoint_url = self.endpoint_url;
        if let Some(file) = self.credentials_file {
            options.credentials = Credentials::File(file.into());
        }
        options
    }
}
