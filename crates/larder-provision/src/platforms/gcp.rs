//! Collections of Google Cloud Firestore.

use larder::binding::Firestore;
use larder::{Result, RetryPolicy};
use larder_core::provision::Provisioner;
use larder_firestore::{CollectionSpec, DatabaseSource, FirestoreProvisioner};

use crate::target::GcpTarget;

pub(crate) async fn provisioner(
    target: &GcpTarget,
    binding: Firestore,
    patience: &RetryPolicy,
) -> Result<Box<dyn Provisioner>> {
    let database = match &target.location {
        Some(location) => DatabaseSource::CreateIn(location.clone()),
        None => DatabaseSource::MustExist,
    };
    let spec = CollectionSpec::new().database(database);
    Ok(Box::new(FirestoreProvisioner::open(binding.driver_options(), spec).await?.patience(patience.clone())))
}
