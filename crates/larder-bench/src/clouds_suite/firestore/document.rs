//! Documents with the fields of Larder's layout.

use std::collections::HashMap;

use bytes::Bytes;
use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::{ArrayValue, Document, DocumentMask, Value};
use gcloud_sdk::prost_types::Timestamp;

use crate::Outcome;
use crate::clouds_suite::by_hand::Row;
use crate::clouds_suite::entries::{expiry, now};

/// How many increments a counter remembers.
const REMEMBERED: usize = 8;

/// The fields besides the value.
pub(super) fn meta() -> DocumentMask {
    DocumentMask { field_paths: vec!["exp".to_owned(), "w".to_owned()] }
}

/// A document that was put now.
pub(super) fn document(name: String, value: Vec<u8>) -> Document {
    let mut document = touched(name);
    document.fields.insert("v".to_owned(), bytes(value));
    document
}

/// What a touch changes.
pub(super) fn touched(name: String) -> Document {
    let now = now();
    let fields = HashMap::from([
        ("w".to_owned(), bytes(stamp(now))),
        ("exp".to_owned(), Value { value_type: Some(ValueType::TimestampValue(time(expiry(now)))) }),
    ]);
    Document { name, fields, create_time: None, update_time: None }
}

/// A counter plus one, which remembers that in its last entry; and the sum.
pub(super) fn incremented(counter: Document) -> Outcome<(Document, i64)> {
    let Document { name, mut fields, .. } = counter;
    let number = match fields.get("v").and_then(|value| value.value_type.as_ref()) {
        Some(ValueType::BytesValue(text)) => std::str::from_utf8(text)?.parse::<i64>()?,
        _ => return Err("no number".into()),
    };
    let sum = number.checked_add(1).ok_or("too great a number")?;
    let mut history = match fields.remove("h").and_then(|value| value.value_type) {
        Some(ValueType::ArrayValue(history)) => history.values,
        _ => return Err("no history".into()),
    };
    if history.len() == REMEMBERED {
        history.remove(0);
    }
    let stamp = stamp(now());
    history.push(bytes([&stamp[..], &sum.to_be_bytes()].concat()));
    fields.insert("w".to_owned(), bytes(stamp));
    fields.insert("v".to_owned(), bytes(sum.to_string().into_bytes()));
    let history = ValueType::ArrayValue(ArrayValue { values: history });
    fields.insert("h".to_owned(), Value { value_type: Some(history) });
    Ok((Document { name, fields, create_time: None, update_time: None }, sum))
}

/// Whether a document has not expired.
pub(super) fn is_live(document: &Document, now: u64) -> bool {
    expires_at(document) > now
}

/// When a document expires.
fn expires_at(document: &Document) -> u64 {
    match document.fields.get("exp").and_then(|value| value.value_type.as_ref()) {
        Some(ValueType::TimestampValue(expiry)) => {
            let millis = expiry.seconds * 1_000 + i64::from(expiry.nanos) / 1_000_000;
            u64::try_from(millis).unwrap_or_default()
        }
        // Without it, it stays.
        _ => u64::MAX,
    }
}

/// The entry in a document that was asked for whole.
pub(super) fn row(document: Document) -> Outcome<Row<Timestamp>> {
    let key = document.name.rsplit("/k").next().unwrap_or_default().to_owned();
    let version = document.update_time.ok_or("no update time")?;
    Ok(Row { key, expires_at: expires_at(&document), version, value: value(document)? })
}

/// The value of a document that was asked for whole.
pub(super) fn value(mut document: Document) -> Outcome<Bytes> {
    match document.fields.remove("v").and_then(|value| value.value_type) {
        Some(ValueType::BytesValue(value)) => Ok(value.into()),
        _ => Err("no value".into()),
    }
}

/// Which write it was, and when.
fn stamp(now: u64) -> Vec<u8> {
    let id: [u8; 16] = rand::random();
    [&id[..], &now.to_be_bytes()].concat()
}

fn time(millis: u64) -> Timestamp {
    Timestamp {
        seconds: i64::try_from(millis / 1_000).unwrap_or(i64::MAX),
        nanos: i32::try_from(millis % 1_000).unwrap_or_default() * 1_000_000,
    }
}

fn bytes(content: Vec<u8>) -> Value {
    Value { value_type: Some(ValueType::BytesValue(content)) }
}
