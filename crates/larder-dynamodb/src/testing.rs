//! What tests need of a table: to make one, and to spoil a row.

use std::pin::pin;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ProvisionedThroughput, ScalarAttributeType,
    TimeToLiveSpecification,
};
use bytes::Bytes;
use larder_core::driver::{Guard, Mutation, RowKey, Shard, Write};
use larder_core::record::WriteStamp;
use larder_core::{CanonicalKey, Expiry, LAYOUT_RECORD, Timestamp};

use crate::codec::partition;
use crate::driver::DynamoDbDriver;
use crate::exchange::{Exchange, Operation};
use crate::expressions::attribute;
use crate::json::Json;
use crate::requests::of_item;
// The benchmark's hand-written side sends the same requests.
pub use crate::expressions::{ABSENT, COUNTS, INCREMENT, META, RANGE, REVISION, TOUCH};

/// Makes the table of a driver, empty and without a layout record.
///
/// # Errors
///
/// What the server said.
pub async fn create_table(driver: &DynamoDbDriver) -> Result<(), String> {
    create_table_with(driver, attribute::SHARD, Some(attribute::KEY)).await
}

/// Makes a table with a primary key that may be none of Larder's.
///
/// # Errors
///
/// What the server said.
pub async fn create_table_with(
    driver: &DynamoDbDriver,
    partition: &str,
    sort: Option<&str>,
) -> Result<(), String> {
    let mut request =
        driver.client.create_table().table_name(driver.table()).billing_mode(BillingMode::PayPerRequest);
    let keys = [(Some(partition), KeyType::Hash), (sort, KeyType::Range)];
    for (name, kind) in keys.into_iter().filter_map(|(name, kind)| Some((name?, kind))) {
        let column = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(|error| error.to_string())?;
        let element = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .map_err(|error| error.to_string())?;
        request = request.attribute_definitions(column).key_schema(element);
    }
    request.send().await.map(drop).map_err(|error| format!("{error:?}"))
}

/// The SDK's client of a driver: what a test looks at a table with.
pub fn admin_client(driver: &DynamoDbDriver) -> aws_sdk_dynamodb::Client {
    driver.client.clone()
}

/// Makes the table of a driver with provisioned capacity.
///
/// # Errors
///
/// What the server said.
pub async fn create_provisioned_table(driver: &DynamoDbDriver) -> Result<(), String> {
    create_table(driver).await?;
    let capacity = ProvisionedThroughput::builder().read_capacity_units(1).write_capacity_units(1).build();
    let request =
        driver.client.update_table().table_name(driver.table()).billing_mode(BillingMode::Provisioned);
    let request = request.provisioned_throughput(capacity.map_err(|error| error.to_string())?);
    request.send().await.map(drop).map_err(|error| format!("{error:?}"))
}

/// Switches the time to live on, on some attribute.
///
/// # Errors
///
/// What the server said.
pub async fn switch_ttl(driver: &DynamoDbDriver, attribute: &str) -> Result<(), String> {
    let on = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build();
    let request = driver.client.update_time_to_live().table_name(driver.table());
    let request = request.time_to_live_specification(on.map_err(|error| error.to_string())?);
    request.send().await.map(drop).map_err(|error| format!("{error:?}"))
}

/// Overwrites a row with what no layout can decode.
///
/// # Errors
///
/// What the server said.
pub async fn spoil(driver: &DynamoDbDriver, row: &RowKey) -> Result<(), String> {
    let (partition, key) = (partition(row.shard), row.key.as_str());
    put(driver, &[(attribute::SHARD, &partition), (attribute::KEY, key), ("junk", "no record")]).await
}

/// Puts a row that Larder did not write.
///
/// # Errors
///
/// What the server said.
pub async fn put_raw(driver: &DynamoDbDriver, partition: &str, sort: &str) -> Result<(), String> {
    put(driver, &[(attribute::SHARD, partition), (attribute::KEY, sort)]).await
}

/// Puts a record that never expires into a shard, be it the key's own or another.
///
/// # Errors
///
/// What the server said.
pub async fn put_record(driver: &DynamoDbDriver, row: &RowKey, value: &str) -> Result<(), String> {
    let stamp = WriteStamp::new(Timestamp::from_millis(0));
    let value = Bytes::copy_from_slice(value.as_bytes());
    let mutation = Mutation::Put { value, expires_at: Expiry::NEVER, register: None };
    let write = Write { mutation, guard: Guard::Always, stamp };
    driver.write_one(row, &write, stamp.at).await.map(drop).map_err(|error| format!("{error:?}"))
}

/// Puts a layout record with that content.
///
/// # Errors
///
/// What the server said.
pub async fn put_layout(driver: &DynamoDbDriver, content: &str) -> Result<(), String> {
    let key = CanonicalKey::from_canonical(LAYOUT_RECORD).ok_or("the layout record has no name")?;
    let row = RowKey { shard: Shard::SYSTEM, key };
    put_record(driver, &row, content).await
}

async fn put(driver: &DynamoDbDriver, texts: &[(&str, &str)]) -> Result<(), String> {
    let mut body = Json::object(0);
    body.text("TableName", driver.table());
    body.object_field("Item", |json| texts.iter().for_each(|(name, text)| json.string(name, text)));
    let request = driver.client.put_item().table_name(driver.table());
    Exchange::new(Operation::Put, body.finish())
        .send(pin!(request.send()))
        .await
        .map(drop)
        .map_err(|error| format!("{error:?}"))
}

/// Removes the layout record.
///
/// # Errors
///
/// What the server said.
pub async fn remove_layout(driver: &DynamoDbDriver) -> Result<(), String> {
    let key = CanonicalKey::from_canonical(LAYOUT_RECORD).ok_or("the layout record has no name")?;
    let row = RowKey { shard: Shard::SYSTEM, key };
    let request = driver.client.delete_item().table_name(driver.table());
    let body = of_item(driver.table(), &row, 0).finish();
    Exchange::new(Operation::Delete, body)
        .send(pin!(request.send()))
        .await
        .map(drop)
        .map_err(|error| format!("{error:?}"))
}
