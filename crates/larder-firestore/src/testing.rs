//! What tests need of a collection: to spoil a document, and to see one.

use std::collections::HashMap;

use bytes::Bytes;
use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::write::Operation;
use gcloud_sdk::google::firestore::v1::{CommitRequest, Document, Value, Write};
use larder_core::driver::{RowKey, Shard};
use larder_core::record::WriteStamp;
use larder_core::{Expiry, LAYOUT_RECORD, Timestamp};

use crate::codec::encode;
use crate::driver::FirestoreDriver;

/// Overwrites a row with what no layout can decode.
///
/// # Errors
///
/// What the server said.
pub async fn spoil(driver: &FirestoreDriver, row: &RowKey) -> Result<(), String> {
    put(driver, junk(driver.place.document(row))).await
}

/// Puts a document that Larder did not write, under its own id.
///
/// # Errors
///
/// What the server said.
pub async fn put_raw(driver: &FirestoreDriver, id: &str) -> Result<(), String> {
    let place = &driver.place;
    put(driver, junk(format!("{}/{}/{id}", place.root(), place.collection))).await
}

/// Puts a layout record with that content.
///
/// # Errors
///
/// What the server said.
pub async fn put_layout(driver: &FirestoreDriver, content: &str) -> Result<(), String> {
    let name = driver.place.bound(Shard::SYSTEM, LAYOUT_RECORD);
    let stamp = WriteStamp::new(Timestamp::from_millis(0));
    let value = Bytes::from(content.to_owned());
    put(driver, Operation::Update(encode(name, &value, Expiry::NEVER, stamp, None))).await
}

/// Removes the layout record.
///
/// # Errors
///
/// What the server said.
pub async fn remove_layout(driver: &FirestoreDriver) -> Result<(), String> {
    put(driver, Operation::Delete(driver.place.bound(Shard::SYSTEM, LAYOUT_RECORD))).await
}

fn junk(name: String) -> Operation {
    let text = Value { value_type: Some(ValueType::StringValue("no record".to_owned())) };
    let fields = HashMap::from([("junk".to_owned(), text)]);
    Operation::Update(Document { name, fields, create_time: None, update_time: None })
}

async fn put(driver: &FirestoreDriver, operation: Operation) -> Result<(), String> {
    let write = Write { operation: Some(operation), ..Write::default() };
    let request = CommitRequest {
        database: driver.place.database_name(),
        writes: vec![write],
        ..CommitRequest::default()
    };
    let reply = driver.call(|mut client| async move { client.commit(request).await }).await;
    reply.map(drop).map_err(|error| error.message)
}
