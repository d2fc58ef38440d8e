//! What tests need of a collection: to spoil a document, and to see one.

use std::collections::HashMap;

use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::write::Operation;
use gcloud_sdk::google::firestore::v1::{CommitRequest, Document, Value, Write};
use larder_core::driver::{RowKey, Shard};
use larder_core::record::WriteStamp;
use larder_core::{Expiry, LAYOUT_RECORD, Timestamp};

use crate::codec::encode;
use crate::driver::FirestoreDriver;
use crate::message::Framed;
use crate::request::{Change, Write as Request, writes};

/// Overwrites a row with what no layout can decode.
///
/// # Errors
///
/// What the server said.
pub async fn spoil(driver: &FirestoreDriver, row: &RowKey) -> Result<(), String> {
    put(driver, junk(driver.place.document(row).whole())).await
}

/// Puts a document that Larder did not write, under its own id.
///
/// # Errors
///
/// What the server said.
pub async fn put_raw(driver: &FirestoreDriver, id: &str) -> Result<(), String> {
    let place = &driver.place;
    put(driver, junk(format!("{}/{}/{id}", place.root, place.collection))).await
}

/// Puts a layout record with that content.
///
/// # Errors
///
/// What the server said.
pub async fn put_layout(driver: &FirestoreDriver, content: &str) -> Result<(), String> {
    let place = &driver.place;
    let stamp = WriteStamp::new(Timestamp::from_millis(0));
    let name = place.bound(Shard::SYSTEM, LAYOUT_RECORD);
    let change = Change::Replace(encode(name, content.as_bytes(), Expiry::NEVER, stamp, None));
    change_one(driver, change).await
}

/// Removes the layout record.
///
/// # Errors
///
/// What the server said.
pub async fn remove_layout(driver: &FirestoreDriver) -> Result<(), String> {
    let place = &driver.place;
    let change = Change::Delete(place.bound(Shard::SYSTEM, LAYOUT_RECORD));
    change_one(driver, change).await
}

fn junk(name: String) -> Operation {
    let text = Value { value_type: Some(ValueType::StringValue("no record".to_owned())) };
    let fields = HashMap::from([("junk".to_owned(), text)]);
    Operation::Update(Document { name, fields, create_time: None, update_time: None })
}

async fn put(driver: &FirestoreDriver, operation: Operation) -> Result<(), String> {
    let write = Write { operation: Some(operation), ..Write::default() };
    let request = CommitRequest {
        database: driver.place.database_name.clone(),
        writes: vec![write],
        ..CommitRequest::default()
    };
    commit(driver, Framed::of_sdk(&request)).await
}

async fn change_one(driver: &FirestoreDriver, change: Change<'_>) -> Result<(), String> {
    commit(driver, writes(&driver.place.database_name, &[Request { change, condition: None }])).await
}

async fn commit(driver: &FirestoreDriver, request: Framed) -> Result<(), String> {
    let reply = driver.call(|mut client| async move { client.commit(request).await }).await;
    reply.map(drop).map_err(|error| error.message)
}
