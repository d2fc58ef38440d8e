//! Azure Tables, with `azure_data_tables` on the driver's own transport on both sides.
//!
//! The transport is not the SDK's own: its features for one bring native-tls, or a rustls with ring, and this workspace has
//! one TLS stack, without either. So both sides send the same requests over the same pooled and signing transport, and the
//! difference is what Larder does above it. Groups of writes are sent by hand on the transport, here as there: the SDK's
//! own lose which row an error is about.
//!
//! Azurite answers one request after the other, at little more than a thousand per second. Tables have no request for many
//! reads, so that 1,000 reads take it nearly a second, however they are sent.

mod by_hand;
mod entity;
mod group;

use larder_tables::testing::{EMULATOR_ACCOUNT, EMULATOR_KEY, create_table};
use larder_tables::{Credentials, TablesDriver, TablesOptions};

use self::by_hand::Table;
use super::platform::Platform;
use crate::Outcome;

pub(super) struct Tables;

impl Platform for Tables {
    const NAME: &'static str = "Azure Tables";
    const ID: &'static str = "tables";
    const EMULATOR: &'static str = "azurite";
    // With a connection for each of 100 keys, more is refused at the door.
    const TASKS_OF_MANY: usize = 4;
    // Or a case would take Azurite ten minutes.
    const ONE_IN: usize = 4;
    const BLOCKS: usize = 8;
    const LEAST_TURNS: usize = 4;

    type Driver = TablesDriver;
    type ByHand = Table;

    async fn create(driver: &TablesDriver) -> Outcome<()> {
        Ok(create_table(driver).await?)
    }

    async fn driver(name: &str, url: &str) -> Outcome<TablesDriver> {
        let key = Credentials::AccountKey(EMULATOR_KEY.to_owned());
        let options = TablesOptions::new(EMULATOR_ACCOUNT, name).endpoint_url(url).credentials(key);
        Ok(TablesDriver::open(options).await?)
    }

    async fn by_hand(name: &str, url: &str) -> Outcome<Table> {
        // A driver of its own: the sides share no connections.
        let url_of_table = format!("{url}/{EMULATOR_ACCOUNT}/{name}");
        Ok(Table::new(Self::driver(name, url).await?, url_of_table))
    }
}
