//! Firestore, with the raw client of `gcloud-sdk`, which the crate `firestore` connects, on both sides.
//!
//! By hand it is one connection, as everybody has it; the driver has as many as it needs, and needs one here.

mod by_hand;
mod document;
mod token;

use larder_firestore::{FirestoreDriver, FirestoreOptions};

use self::by_hand::Collection;
use super::platform::Platform;
use crate::Outcome;

const PROJECT: &str = "larder-bench";

pub(super) struct Firestore;

impl Platform for Firestore {
    const NAME: &'static str = "Firestore";
    const ID: &'static str = "firestore";
    const EMULATOR: &'static str = "hidane";

    type Driver = FirestoreDriver;
    type ByHand = Collection;

    /// There is no such thing as making a collection.
    async fn create(_driver: &FirestoreDriver) -> Outcome<()> {
        Ok(())
    }

    async fn driver(name: &str, url: &str) -> Outcome<FirestoreDriver> {
        // A database of its own, too: it begins empty.
        let options = FirestoreOptions::new(PROJECT, name).database(name).endpoint_url(url);
        Ok(FirestoreDriver::open(options).await?)
    }

    async fn by_hand(name: &str, url: &str) -> Outcome<Collection> {
        Collection::connect(name, url).await
    }
}
