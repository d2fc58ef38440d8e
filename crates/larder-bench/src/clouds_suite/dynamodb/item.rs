//! Items with the attributes of Larder's layout.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use larder_core::hash::xxh64;

use crate::Outcome;
use crate::clouds_suite::by_hand::Row;
use crate::clouds_suite::entries::{expiry, now};

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) const SHARDS: u64 = 16;

/// The write that made an item.
pub(super) type Id = [u8; 16];

pub(super) fn partition(shard: u64) -> String {
    format!("{shard:02X}")
}

pub(super) fn key_in(shard: u64, key: &str) -> Item {
    HashMap::from([
        ("pk".to_owned(), AttributeValue::S(partition(shard))),
        ("sk".to_owned(), AttributeValue::S(key.to_owned())),
    ])
}

pub(super) fn primary_key(key: &str) -> Item {
    key_in(xxh64(key.as_bytes()) % SHARDS, key)
}

pub(super) fn item(key: &str, value: Vec<u8>, id: Id) -> Item {
    let now = now();
    let expiry = expiry(now);
    let mut item = primary_key(key);
    item.insert("v".to_owned(), AttributeValue::B(Blob::new(value)));
    item.insert("exp".to_owned(), n(expiry));
    item.insert("ttl".to_owned(), n(ttl(expiry)));
    item.insert("w".to_owned(), b(id));
    item.insert("wt".to_owned(), n(now));
    item
}

/// When DynamoDB itself may remove an item, in seconds: some time after it has expired.
pub(super) fn ttl(expiry: u64) -> u64 {
    expiry.div_ceil(1_000) + 300
}

/// The entry in an item that was asked for whole; nothing where it has expired.
pub(super) fn row(mut item: Item, now: u64) -> Outcome<Option<Row<Id>>> {
    let expires_at = number(&item, "exp")?;
    if expires_at <= now {
        return Ok(None);
    }
    match (item.remove("sk"), item.remove("v"), item.remove("w")) {
        (Some(AttributeValue::S(key)), Some(AttributeValue::B(value)), Some(AttributeValue::B(id))) => {
            let version = id.as_ref().try_into()?;
            Ok(Some(Row { key, value: value.into_inner().into(), version, expires_at }))
        }
        _ => Err("no key, no value or no write id".into()),
    }
}

pub(super) fn number(item: &Item, name: &str) -> Outcome<u64> {
    let number = item.get(name).and_then(|value| value.as_n().ok()).ok_or("no number")?;
    Ok(number.parse()?)
}

pub(super) fn n(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(super) fn b(bytes: Id) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}
