//! Many items in one request. Neither kind is atomic, and neither takes conditions.

use std::collections::HashSet;
use std::pin::pin;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use larder_core::ErrorKind;
use larder_core::driver::{BatchItem, DriverError, Mutation, Read, RowKey, Write, WriteReply};
use larder_core::hash::KeyMap;
use larder_core::record::{Record, Revision};

use crate::codec::{decode, encode, item_bytes, write_key};
use crate::driver::DynamoDbDriver;
use crate::error::failed;
use crate::exchange::{Exchange, Operation};
use crate::expressions::attribute;
use crate::json::Json;
use crate::parts::Item;
use crate::requests::{KEY_BYTES, what};

impl DynamoDbDriver {
    pub(crate) async fn read_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        let mut body = Json::object(keys.len() * KEY_BYTES);
        body.object_field("RequestItems", |json| {
            json.object_field(self.table(), |json| wanted(json, keys, read));
        });
        // The SDK has to know of the table alone: the keys are in the body.
        let none = KeysAndAttributes::builder()
            .set_keys(Some(Vec::new()))
            .build()
            .map_err(|_| DriverError::refused(ErrorKind::Internal, "a batch without keys"))?;
        let request = self.client.batch_get_item().request_items(self.table(), none);
        let mut exchange = Exchange::new(Operation::GetBatch, body.finish());
        exchange.send(pin!(request.send())).await.map_err(|error| failed(&error, &self.place))?;
        let answer = exchange.answer()?;
        let places: KeyMap<'_, usize> =
            keys.iter().enumerate().map(|(at, row)| (row.key.as_str(), at)).collect();
        let mut answers: Vec<_> = keys.iter().map(|_| BatchItem::Done(Ok(None))).collect();
        // In any order; one that was not asked for says that the answer is not to be trusted.
        let place = |key: Option<&str>| {
            key.and_then(|key| places.get(key)).copied().ok_or_else(|| {
                let reason = format!("{} answered with an item that was not asked for", self.place);
                DriverError::refused(ErrorKind::Internal, reason)
            })
        };
        for key in answer.undone {
            answers[place(key.key.as_deref())?] = BatchItem::Unprocessed;
        }
        for item in answer.items {
            let at = place(item.key.as_deref())?;
            let corrupt = |reason| DriverError::refused(ErrorKind::Corrupt, reason);
            answers[at] = BatchItem::Done(decode(item, read.projection).map(Some).map_err(corrupt));
        }
        Ok(answers)
    }

    pub(crate) async fn write_many(
        &self,
        writes: &[(RowKey, Write)],
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        let mut body = Json::object(writes.iter().map(|(_, write)| request_bytes(write)).sum());
        let mut unfit = false;
        body.object_field("RequestItems", |json| {
            json.list_field(self.table(), writes, |json, (key, write)| {
                unfit |= request(json, key, write).is_err();
            });
        });
        if unfit {
            return Err(DriverError::refused(ErrorKind::Internal, "a batch cannot touch"));
        }
        let request = self.client.batch_write_item().request_items(self.table(), Vec::new());
        let reply = Exchange::new(Operation::WriteBatch, body.finish())
            .send(pin!(request.send()))
            .await
            .map_err(|error| failed(&error, &self.place))?;
        let undone = reply.unprocessed_items.unwrap_or_default();
        let undone: HashSet<String> = undone
            .into_values()
            .flatten()
            .filter_map(|request| match (request.put_request, request.delete_request) {
                (Some(mut put), _) => take_key(&mut put.item),
                (None, Some(mut delete)) => take_key(&mut delete.key),
                (None, None) => None,
            })
            .collect();
        let answer = |(key, write): &(RowKey, Write)| match write.mutation {
            _ if undone.contains(key.key.as_str()) => BatchItem::Unprocessed,
            Mutation::Delete => BatchItem::Done(Ok(WriteReply::Applied(None))),
            _ => BatchItem::Done(Ok(WriteReply::Applied(Some(Revision::WriteId(write.stamp.id))))),
        };
        Ok(writes.iter().map(answer).collect())
    }
}

/// Which items are read, and what of them.
fn wanted(to: &mut Json, keys: &[RowKey], read: Read) {
    to.list_field("Keys", keys, write_key);
    what(to, read);
}

/// A request that a batch cannot make.
struct Unfit;

fn request(to: &mut Json, key: &RowKey, write: &Write) -> Result<(), Unfit> {
    match &write.mutation {
        Mutation::Put { value, expires_at, register } => to.object_field("PutRequest", |json| {
            json.object_field("Item", |json| {
                encode(json, key, value, *expires_at, write.stamp, register.as_deref());
            });
        }),
        Mutation::Delete => to.object_field("DeleteRequest", |json| {
            json.object_field("Key", |json| write_key(json, key));
        }),
        Mutation::Touch { .. } => return Err(Unfit),
    }
    Ok(())
}

/// About how many bytes the request of a write takes.
fn request_bytes(write: &Write) -> usize {
    match &write.mutation {
        Mutation::Put { value, .. } => item_bytes(value) + 40,
        Mutation::Delete | Mutation::Touch { .. } => KEY_BYTES + 40,
    }
}

/// The text of an item's key. A key is in one shard only, so that it tells the rows of a request apart.
fn take_key(item: &mut Item) -> Option<String> {
    match item.remove(attribute::KEY)? {
        AttributeValue::S(key) => Some(key),
        _ => None,
    }
}
