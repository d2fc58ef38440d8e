//! DynamoDB, with `aws-sdk-dynamodb` on both sides.

mod by_hand;
mod item;

use larder_dynamodb::testing::create_table;
use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions};

use self::by_hand::Table;
use super::platform::Platform;
use crate::Outcome;

const REGION: &str = "eu-central-1";

pub(super) struct DynamoDb;

impl Platform for DynamoDb {
    const NAME: &'static str = "DynamoDB";
    const ID: &'static str = "dynamodb";
    const EMULATOR: &'static str = "dynoxide";

    type Driver = DynamoDbDriver;
    type ByHand = Table;

    async fn create(driver: &DynamoDbDriver) -> Outcome<()> {
        Ok(create_table(driver).await?)
    }

    async fn driver(name: &str, url: &str) -> Outcome<DynamoDbDriver> {
        let keys = Credentials::Keys { id: "test".into(), secret: "test".into(), session_token: None };
        let options = DynamoDbOptions::new(name, REGION).endpoint_url(url).credentials(keys);
        Ok(DynamoDbDriver::open(options).await?)
    }

    async fn by_hand(name: &str, url: &str) -> Outcome<Table> {
        Ok(Table::connect(name, url).await)
    }
}
