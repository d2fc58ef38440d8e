//! Many items in one request. Neither kind is atomic, and neither takes conditions.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest};
use larder_core::ErrorKind;
use larder_core::driver::{BatchItem, DriverError, Mutation, Projection, Read, RowKey, Write, WriteReply};
use larder_core::hash::KeyMap;
use larder_core::record::{Record, Revision};

use crate::client::quiet;
use crate::codec::{Item, decode_row, encode, primary_key};
use crate::driver::{DynamoDbDriver, strong};
use crate::error::failed;
use crate::expressions::{META, attribute};

impl DynamoDbDriver {
    pub(crate) async fn read_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(primary_key).collect()))
            .consistent_read(strong(read))
            .set_projection_expression((read.projection == Projection::Meta).then(|| META.to_owned()))
            .build()
            .map_err(|_| DriverError::refused(ErrorKind::Internal, "a batch without keys"))?;
        let request = self.client.batch_get_item().request_items(self.table(), wanted);
        let reply = quiet(request.send()).await.map_err(|error| failed(&error, &self.place))?;
        let places: KeyMap<'_, usize> =
            keys.iter().enumerate().map(|(at, row)| (row.key.as_str(), at)).collect();
        let mut answers: Vec<_> = keys.iter().map(|_| BatchItem::Done(Ok(None))).collect();
        let undone = reply.unprocessed_keys.unwrap_or_default().into_values().flat_map(|table| table.keys);
        for mut key in undone {
            if let Some(&at) = take_key(&mut key).and_then(|key| places.get(&*key)) {
                answers[at] = BatchItem::Unprocessed;
            }
        }
        // In any order.
        for item in reply.responses.unwrap_or_default().into_values().flatten() {
            let Some((key, record)) = decode_row(item, read.projection) else { continue };
            if let Some(&at) = places.get(&*key) {
                let corrupt = |reason| DriverError::refused(ErrorKind::Corrupt, reason);
                answers[at] = BatchItem::Done(record.map(Some).map_err(corrupt));
            }
        }
        Ok(answers)
    }

    pub(crate) async fn write_many(
        &self,
        writes: &[(RowKey, Write)],
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        let requests =
            writes.iter().map(|(key, write)| request(key, write)).collect::<Result<Vec<_>, _>>()?;
        let request = self.client.batch_write_item().request_items(self.table(), requests);
        let reply = quiet(request.send()).await.map_err(|error| failed(&error, &self.place))?;
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

fn request(key: &RowKey, write: &Write) -> Result<WriteRequest, DriverError> {
    let unfit = |_| DriverError::refused(ErrorKind::Internal, "a batch's request could not be built");
    let request = WriteRequest::builder();
    Ok(match &write.mutation {
        Mutation::Put { value, expires_at, register } => {
            let item = encode(key, value, *expires_at, write.stamp, register.as_deref());
            request.put_request(PutRequest::builder().set_item(Some(item)).build().map_err(unfit)?)
        }
        Mutation::Delete => {
            let key = primary_key(key);
            request.delete_request(DeleteRequest::builder().set_key(Some(key)).build().map_err(unfit)?)
        }
        Mutation::Touch { .. } => {
            return Err(DriverError::refused(ErrorKind::Internal, "a batch cannot touch"));
        }
    }
    .build())
}

/// The text of an item's key. A key is in one shard only, so that it tells the rows of a request apart.
fn take_key(item: &mut Item) -> Option<String> {
    match item.remove(attribute::KEY)? {
        AttributeValue::S(key) => Some(key),
        _ => None,
    }
}
