//! What tests need of a table: to make one, and to spoil a row.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use larder_core::driver::RowKey;

use crate::codec::{primary_key, text};
use crate::driver::DynamoDbDriver;
use crate::expressions::attribute;

/// Makes the table of a driver, empty and without a layout record.
///
/// # Errors
///
/// What the server said.
pub async fn create_table(driver: &DynamoDbDriver) -> Result<(), String> {
    let column = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(|error| error.to_string())
    };
    let element = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .map_err(|error| error.to_string())
    };
    let request = driver
        .client
        .create_table()
        .table_name(driver.table())
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(column(attribute::SHARD)?)
        .attribute_definitions(column(attribute::KEY)?)
        .key_schema(element(attribute::SHARD, KeyType::Hash)?)
        .key_schema(element(attribute::KEY, KeyType::Range)?);
    request.send().await.map(drop).map_err(|error| format!("{error:?}"))
}

/// Overwrites a row with what no layout can decode.
///
/// # Errors
///
/// What the server said.
pub async fn spoil(driver: &DynamoDbDriver, row: &RowKey) -> Result<(), String> {
    let mut item = primary_key(row);
    item.insert("junk".to_owned(), text("no record"));
    let request = driver.client.put_item().table_name(driver.table()).set_item(Some(item));
    request.send().await.map(drop).map_err(|error| format!("{error:?}"))
}
