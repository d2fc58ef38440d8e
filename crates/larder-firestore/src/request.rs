//! Requests that hold documents or their names, written straight into the buffer that is sent.
//!
//! The SDK's own messages take a map of each document, a name for each of its fields, and a copy of its value.

use gcloud_sdk::prost::encoding::{WireType, encode_key, encode_varint, key_len};
use gcloud_sdk::prost_types::Timestamp;
use larder_core::record::{Register, WriteStamp};

use crate::codec::{META, field};
use crate::message::{Framed, Part, put_tagged, tagged_len};
use crate::names::Name;

/// What a field holds: a `Value`.
enum Value<'a> {
    Bytes(&'a [u8]),
    Time(Timestamp),
    Register(&'a Register),
}

impl Part for Value<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => tagged_len(18, bytes),
            Self::Time(time) => tagged_len(10, time),
            Self::Register(register) => tagged_len(9, *register),
        }
    }

    fn put(&self, into: &mut Vec<u8>) {
        match self {
            Self::Bytes(bytes) => put_tagged(18, bytes, into),
            Self::Time(time) => put_tagged(10, time, into),
            Self::Register(register) => put_tagged(9, *register, into),
        }
    }
}

/// An entry of a register: the stamp, then the number.
const ENTRY: usize = WriteStamp::LEN + 8;

/// An array of values, oldest first.
impl Part for Register {
    fn len(&self) -> usize {
        self.history().len() * tagged_len(1, &Value::Bytes(&[0; ENTRY]))
    }

    fn put(&self, into: &mut Vec<u8>) {
        for applied in self.history() {
            let mut entry = [0; ENTRY];
            entry[..WriteStamp::LEN].copy_from_slice(&applied.stamp.to_bytes());
            entry[WriteStamp::LEN..].copy_from_slice(&applied.result.to_be_bytes());
            put_tagged(1, &Value::Bytes(&entry), into);
        }
    }
}

/// A field with its name.
struct Field<'a>(&'static str, Value<'a>);

impl Part for Field<'_> {
    fn len(&self) -> usize {
        tagged_len(1, &self.0) + tagged_len(2, &self.1)
    }

    fn put(&self, into: &mut Vec<u8>) {
        put_tagged(1, &self.0, into);
        put_tagged(2, &self.1, into);
    }
}

/// A document as it is sent.
pub(crate) struct Document<'a> {
    pub(crate) name: Name<'a>,
    pub(crate) stamp: [u8; WriteStamp::LEN],
    pub(crate) expiry: Option<Timestamp>,
    /// What a touch leaves alone.
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) register: Option<&'a Register>,
}

impl Document<'_> {
    fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        let fields = [
            Some(Field(field::STAMP, Value::Bytes(&self.stamp))),
            self.expiry.map(|time| Field(field::EXPIRY, Value::Time(time))),
            self.value.map(|value| Field(field::VALUE, Value::Bytes(value))),
            self.register.map(|register| Field(field::REGISTER, Value::Register(register))),
        ];
        fields.into_iter().flatten()
    }
}

impl Part for Document<'_> {
    fn len(&self) -> usize {
        tagged_len(1, &self.name) + self.fields().map(|field| tagged_len(2, &field)).sum::<usize>()
    }

    fn put(&self, into: &mut Vec<u8>) {
        put_tagged(1, &self.name, into);
        self.fields().for_each(|field| put_tagged(2, &field, into));
    }
}

/// The fields that tell of a record without its value.
struct Mask;

impl Part for Mask {
    fn len(&self) -> usize {
        META.iter().map(|field| tagged_len(1, field)).sum()
    }

    fn put(&self, into: &mut Vec<u8>) {
        META.iter().for_each(|field| put_tagged(1, field, into));
    }
}

/// What a document must be for a write.
#[derive(Clone, Copy)]
pub(crate) enum Condition {
    Exists(bool),
    UpdateTime(Timestamp),
}

impl Part for Condition {
    fn len(&self) -> usize {
        match self {
            Self::Exists(_) => key_len(1) + 1,
            Self::UpdateTime(time) => tagged_len(2, time),
        }
    }

    fn put(&self, into: &mut Vec<u8>) {
        match self {
            Self::Exists(exists) => {
                encode_key(1, WireType::Varint, into);
                encode_varint(u64::from(*exists), into);
            }
            Self::UpdateTime(time) => put_tagged(2, time, into),
        }
    }
}

/// What becomes of a document.
pub(crate) enum Change<'a> {
    /// It is this one.
    Replace(Document<'a>),
    /// The fields of [`META`] are those of this one: one that is missing here is removed.
    Touch(Document<'a>),
    Delete(Name<'a>),
}

/// A change, and the state that it is meant for.
pub(crate) struct Write<'a> {
    pub(crate) change: Change<'a>,
    pub(crate) condition: Option<Condition>,
}

impl Part for Write<'_> {
    fn len(&self) -> usize {
        let change = match &self.change {
            Change::Replace(document) => tagged_len(1, document),
            Change::Touch(document) => tagged_len(1, document) + tagged_len(3, &Mask),
            Change::Delete(name) => tagged_len(2, name),
        };
        change + self.condition.as_ref().map_or(0, |condition| tagged_len(4, condition))
    }

    fn put(&self, into: &mut Vec<u8>) {
        match &self.change {
            Change::Replace(document) => put_tagged(1, document, into),
            Change::Touch(document) => {
                put_tagged(1, document, into);
                put_tagged(3, &Mask, into);
            }
            Change::Delete(name) => put_tagged(2, name, into),
        }
        if let Some(condition) = &self.condition {
            put_tagged(4, condition, into);
        }
    }
}

/// A `CommitRequest` or a `BatchWriteRequest`.
struct Writes<'a> {
    database: &'a str,
    writes: &'a [Write<'a>],
}

impl Part for Writes<'_> {
    fn len(&self) -> usize {
        tagged_len(1, &self.database) + self.writes.iter().map(|write| tagged_len(2, write)).sum::<usize>()
    }

    fn put(&self, into: &mut Vec<u8>) {
        put_tagged(1, &self.database, into);
        self.writes.iter().for_each(|write| put_tagged(2, write, into));
    }
}

/// A request to make these changes: of a `Commit`, or of a `BatchWrite`.
pub(crate) fn writes(database: &str, writes: &[Write<'_>]) -> Framed {
    Framed::of(&Writes { database, writes })
}

/// A `BatchGetDocumentsRequest`.
struct Reads<'a, N> {
    database: &'a str,
    names: N,
    mask: Option<Mask>,
}

impl<'a, N: Iterator<Item = Name<'a>> + Clone> Part for Reads<'_, N> {
    fn len(&self) -> usize {
        tagged_len(1, &self.database)
            + self.names.clone().map(|name| tagged_len(2, &name)).sum::<usize>()
            + self.mask.as_ref().map_or(0, |mask| tagged_len(3, mask))
    }

    fn put(&self, into: &mut Vec<u8>) {
        put_tagged(1, &self.database, into);
        self.names.clone().for_each(|name| put_tagged(2, &name, into));
        if let Some(mask) = &self.mask {
            put_tagged(3, mask, into);
        }
    }
}

/// Which fields of documents to read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Select {
    All,
    /// Those of [`META`].
    Meta,
}

/// A request to read these documents.
pub(crate) fn reads<'a>(
    database: &str,
    names: impl Iterator<Item = Name<'a>> + Clone,
    select: Select,
) -> Framed {
    Framed::of(&Reads { database, names, mask: (select == Select::Meta).then_some(Mask) })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;

    use gcloud_sdk::google::firestore::v1 as sdk;
    use gcloud_sdk::google::firestore::v1::precondition::ConditionType;
    use gcloud_sdk::google::firestore::v1::value::ValueType;
    use gcloud_sdk::google::firestore::v1::write::Operation;
    use gcloud_sdk::prost::Message as _;
    use larder_core::driver::Shard;
    use larder_core::record::Applied;
    use larder_core::{Expiry, LATEST_EXPIRY, Timestamp as Moment};

    use super::*;
    use crate::codec::{encode, encode_meta};
    use crate::names::Place;

    fn place() -> Place {
        Place::new("p".into(), "(default)".into(), "c".into(), "https://host".into())
    }

    fn stamp() -> WriteStamp {
        WriteStamp::new(Moment::from_millis(1_767_225_600_123))
    }

    /// The writes of a request, as the SDK reads them.
    fn read_back(request: &Framed) -> Vec<sdk::Write> {
        let request = request.message();
        let read = sdk::CommitRequest::decode(request).expect("a request");
        let same = sdk::BatchWriteRequest::decode(request).expect("a request");
        assert_eq!((&read.database, &read.writes), (&same.database, &same.writes));
        assert_eq!(read.database, "projects/p/databases/(default)");
        assert_eq!(read.encoded_len(), request.len(), "there is nothing else in it");
        read.writes
    }

    /// The document that is sent, as the SDK reads it.
    pub(crate) fn sent(document: Document<'_>) -> sdk::Document {
        let write = Write { change: Change::Replace(document), condition: None };
        let request = writes("projects/p/databases/(default)", &[write]);
        match read_back(&request).remove(0).operation {
            Some(Operation::Update(document)) => document,
            other => panic!("no document: {other:?}"),
        }
    }

    fn bytes(content: &[u8]) -> sdk::Value {
        sdk::Value { value_type: Some(ValueType::BytesValue(content.to_vec())) }
    }

    #[test]
    fn a_document_is_what_the_sdk_would_send() {
        let place = place();
        // Every width that the length of a value can have, and of the messages around it.
        for length in [0, 1, 90, 100, 127, 128, 16_000, 16_383, 16_384, 24_576] {
            let value: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            for key in ["a", "~27~22~2F", "__x__", &"k".repeat(512)] {
                let stamp = stamp();
                let document = sent(encode(place.bound(Shard(0), key), &value, Expiry::NEVER, stamp, None));
                let fields = [("v", bytes(&value)), ("w", bytes(&stamp.to_bytes()))];
                let expected = sdk::Document {
                    name: format!("projects/p/databases/(default)/documents/c/k{key}"),
                    fields: fields.map(|(name, value)| (name.to_owned(), value)).into(),
                    create_time: None,
                    update_time: None,
                };
                assert_eq!(document, expected, "{key}, {length}");
            }
        }
    }

    #[test]
    fn a_time_and_a_register_of_every_length_are_what_the_sdk_would_send() {
        let place = place();
        for millis in [0, 1, 999, 1_000, 1_767_225_600_123, LATEST_EXPIRY.as_millis()] {
            for length in 0..=Register::CAPACITY {
                let numbers = [0, 1, -1, i64::MAX, i64::MIN, 127, 128, 255].into_iter().take(length);
                let history = numbers.map(|result| Applied { stamp: stamp(), result }).collect();
                let register = Register::from_history(history);
                let name = place.bound(Shard::SYSTEM, "!layout");
                let expiry = Expiry::at(Moment::from_millis(millis));
                let document = sent(encode(name, b"1", expiry, stamp(), Some(&register)));
                let time = Timestamp {
                    seconds: i64::try_from(millis / 1_000).expect("small"),
                    nanos: i32::try_from(millis % 1_000 * 1_000_000).expect("small"),
                };
                assert_eq!(document.fields["exp"].value_type, Some(ValueType::TimestampValue(time)));
                let entry = |applied: &Applied| {
                    bytes(&[&applied.stamp.to_bytes()[..], &applied.result.to_be_bytes()].concat())
                };
                let values = register.history().iter().map(entry).collect();
                let history = ValueType::ArrayValue(sdk::ArrayValue { values });
                assert_eq!(document.fields["h"].value_type, Some(history));
                assert!(document.name.ends_with("/c/slayout"), "{}", document.name);
            }
        }
    }

    #[test]
    fn changes_and_conditions_are_what_the_sdk_would_send() {
        let place = place();
        let time = Timestamp { seconds: 1_767_225_600, nanos: 123_456_000 };
        let (name, stamp) = (place.bound(Shard(0), "key"), stamp());
        let requests = [
            (Change::Touch(encode_meta(name, Expiry::NEVER, stamp)), Some(Condition::Exists(true))),
            (Change::Delete(name), None),
            (Change::Delete(name), Some(Condition::UpdateTime(time))),
            (Change::Replace(encode(name, b"", Expiry::NEVER, stamp, None)), Some(Condition::Exists(false))),
        ];
        let requests = requests.map(|(change, condition)| Write { change, condition });
        let read = read_back(&writes(&place.database_name, &requests));
        let conditions: Vec<_> =
            read.iter().map(|write| write.current_document.and_then(|one| one.condition_type)).collect();
        let update_time = Some(ConditionType::UpdateTime(time));
        let exists = |exists| Some(ConditionType::Exists(exists));
        assert_eq!(conditions, [exists(true), None, update_time, exists(false)]);
        let masks: Vec<_> = read.iter().map(|write| write.update_mask.clone()).collect();
        let mask = sdk::DocumentMask { field_paths: vec!["exp".to_owned(), "w".to_owned()] };
        assert_eq!(masks, [Some(mask), None, None, None]);
        let touched = sdk::Document {
            name: name.whole(),
            fields: HashMap::from([("w".to_owned(), bytes(&stamp.to_bytes()))]),
            create_time: None,
            update_time: None,
        };
        assert_eq!(read[0].operation, Some(Operation::Update(touched)));
        assert_eq!(read[1].operation, Some(Operation::Delete(name.whole())));
    }

    #[test]
    fn reads_are_what_the_sdk_would_send() {
        let place = place();
        let keys = ["a", "~27", "__x__"];
        for (select, fields) in [(Select::All, None), (Select::Meta, Some(vec!["exp", "w"]))] {
            let names = keys.iter().map(|key| place.bound(Shard(0), key));
            let request = reads(&place.database_name, names.clone(), select);
            let mask = fields.map(|fields| sdk::DocumentMask {
                field_paths: fields.into_iter().map(str::to_owned).collect(),
            });
            let expected = sdk::BatchGetDocumentsRequest {
                database: "projects/p/databases/(default)".to_owned(),
                documents: names.map(|name| name.whole()).collect(),
                mask,
                ..sdk::BatchGetDocumentsRequest::default()
            };
            assert_eq!(
                sdk::BatchGetDocumentsRequest::decode(request.message()).expect("a request"),
                expected
            );
        }
    }
}
