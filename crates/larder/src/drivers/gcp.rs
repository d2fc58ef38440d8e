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
        Ok(Kv::builder(FirestoreDriver::open(options(binding).connect_timeout(connect_timeout)).await?))
    })
}

fn options(binding: Firestore) -> FirestoreOptions {
    let mut options =
        FirestoreOptions::new(binding.project_id, binding.collection_name).database(binding.database_id);
    options.endpoint_url = binding.endpoint_url;
    if let Some(file) = binding.credentials_file {
        options.credentials = Credentials::File(file.into());
    }
    options
}
