//! Stores that are 20 ms away, for other suites.

use larder_core::{Kv, RetryPolicy};
use tokio::runtime::Handle;

use super::delay::{DELAY, in_front_of};
use super::dynamodb::DynamoDb;
use super::firestore::Firestore;
use super::platform::{Platform, Store, emulator};
use super::tables::Tables;
use crate::Outcome;

/// A new store, and the address that is 20 ms from it.
pub(crate) struct Away {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) kv: Kv,
}

/// Makes a store on a cloud by its id. The delay runs on that network.
pub(crate) async fn away(cloud: &str, network: &Handle) -> Outcome<Away> {
    match cloud {
        DynamoDb::ID => away_on::<DynamoDb>(network).await,
        Firestore::ID => away_on::<Firestore>(network).await,
        Tables::ID => away_on::<Tables>(network).await,
        _ => Err(format!("there is no cloud {cloud:?}").into()),
    }
}

async fn away_on<P: Platform>(network: &Handle) -> Outcome<Away> {
    let address = emulator::<P>()?;
    let delayed = network.spawn(async move { in_front_of(&address, DELAY).await });
    let url = delayed.await??;
    let near = Store::create::<P>(RetryPolicy::default()).await?;
    let store = Store::reach::<P>(near.name, &url, RetryPolicy::default()).await?;
    Ok(Away { name: store.name, url, kv: store.kv })
}
