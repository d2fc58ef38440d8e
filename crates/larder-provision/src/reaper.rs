//! Whether the platform of a binding removes what has expired.

use larder::{Binding, Result, RetryPolicy};
use larder_core::provision::Reaper;

/// What the platform of a binding says of its own removal of expired rows; `None` where there is none, or none that could be
/// asked: with embedded stores the driver does it, on Azure a sweep.
///
/// It changes nothing, and asks for no longer than `patience` says.
///
/// # Errors
///
/// `Unauthorized` where the credentials may use the store and not see its settings; else what keeps the platform from
/// answering.
pub async fn reaper(binding: &Binding, patience: &RetryPolicy) -> Result<Option<Reaper>> {
    // Without any cloud nobody is asked.
    let _ = patience;
    match binding {
        #[cfg(feature = "aws")]
        Binding::DynamoDb(table) => {
            let (options, spec) = (table.clone().driver_options(), larder_dynamodb::TableSpec::new());
            let table = larder_dynamodb::DynamoDbProvisioner::open(options, spec).await?;
            table.patience(patience.clone()).reaper().await.map(Some)
        }
        #[cfg(feature = "gcp")]
        Binding::Firestore(collection) => {
            let (options, spec) =
                (collection.clone().driver_options(), larder_firestore::CollectionSpec::new());
            let collection = larder_firestore::FirestoreProvisioner::open(options, spec).await?;
            collection.patience(patience.clone()).reaper().await.map(Some)
        }
        _ => Ok(None),
    }
}
