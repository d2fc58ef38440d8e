//! Replies that hold documents, read where they lie.
//!
//! The SDK's own messages copy every name and every value, and put them into a map.

use gcloud_sdk::prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use gcloud_sdk::prost::{DecodeError, Message as _};
use gcloud_sdk::prost_types::Timestamp;
use tonic::Status;

use crate::codec::field;

/// The fields of a message that have a length, with their tags. All others are passed over: none is needed here.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn next(&mut self) -> Result<Option<(u32, &'a [u8])>, Unreadable> {
        while !self.0.is_empty() {
            let (tag, wire_type) = decode_key(&mut self.0)?;
            if wire_type != WireType::LengthDelimited {
                skip_field(wire_type, tag, &mut self.0, DecodeContext::default())?;
                continue;
            }
            let length = usize::try_from(decode_varint(&mut self.0)?).map_err(|_| Unreadable)?;
            let (part, rest) = self.0.split_at_checked(length).ok_or(Unreadable)?;
            self.0 = rest;
            return Ok(Some((tag, part)));
        }
        Ok(None)
    }
}

/// A message that is none. What is wrong with it stays untold: it quotes what it holds (E2).
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Unreadable;

impl From<DecodeError> for Unreadable {
    fn from(_: DecodeError) -> Self {
        Self
    }
}

impl From<Unreadable> for Status {
    fn from(_: Unreadable) -> Self {
        Self::internal("a reply could not be decoded")
    }
}

fn text(bytes: &[u8]) -> Result<&str, Unreadable> {
    std::str::from_utf8(bytes).map_err(|_| Unreadable)
}

/// What a field of a document holds, as far as Larder has such fields.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Bytes(&'a [u8]),
    Time(Timestamp),
    Array(Array<'a>),
    Other,
}

impl<'a> Value<'a> {
    fn read(message: &'a [u8]) -> Result<Self, Unreadable> {
        let mut value = Self::Other;
        let mut parts = Parts(message);
        while let Some((tag, part)) = parts.next()? {
            value = match tag {
                18 => Self::Bytes(part),
                10 => Self::Time(Timestamp::decode(part)?),
                9 => Self::Array(Array(part)),
                _ => Self::Other,
            };
        }
        Ok(value)
    }
}

/// The values of an array.
#[derive(Clone, Copy)]
pub(crate) struct Array<'a>(&'a [u8]);

impl<'a> Array<'a> {
    /// Makes something of each of them, in order; `None` where one is unreadable, or nothing comes of it.
    pub(crate) fn each<T>(self, mut make: impl FnMut(Value<'a>) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        let mut parts = Parts(self.0);
        while let Some((tag, part)) = parts.next().ok()? {
            if tag == 1 {
                all.push(make(Value::read(part).ok()?)?);
            }
        }
        Some(all)
    }
}

/// A document as it comes: the fields of the layout, and none that something else put there.
#[derive(Clone, Copy, Default)]
pub(crate) struct Document<'a> {
    pub(crate) name: &'a str,
    pub(crate) update_time: Option<Timestamp>,
    pub(crate) stamp: Option<Value<'a>>,
    pub(crate) expiry: Option<Value<'a>>,
    pub(crate) value: Option<Value<'a>>,
    pub(crate) register: Option<Value<'a>>,
}

impl<'a> Document<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Result<Self, Unreadable> {
        let mut document = Self::default();
        let mut parts = Parts(message);
        while let Some((tag, part)) = parts.next()? {
            match tag {
                1 => document.name = text(part)?,
                2 => document.take_field(part)?,
                4 => document.update_time = Some(Timestamp::decode(part)?),
                _ => {}
            }
        }
        Ok(document)
    }

    fn take_field(&mut self, entry: &'a [u8]) -> Result<(), Unreadable> {
        let (mut name, mut value) = ("", Value::Other);
        let mut parts = Parts(entry);
        while let Some((tag, part)) = parts.next()? {
            match tag {
                1 => name = text(part)?,
                2 => value = Value::read(part)?,
                _ => {}
            }
        }
        match name {
            field::STAMP => self.stamp = Some(value),
            field::EXPIRY => self.expiry = Some(value),
            field::VALUE => self.value = Some(value),
            field::REGISTER => self.register = Some(value),
            _ => {}
        }
        Ok(())
    }
}

/// One of the messages that answer a `BatchGetDocuments`.
#[derive(Default)]
pub(crate) struct Got<'a> {
    pub(crate) found: Option<Document<'a>>,
    /// The name of a document that is not there.
    pub(crate) missing: Option<&'a str>,
    pub(crate) read_time: Option<Timestamp>,
}

impl<'a> Got<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Result<Self, Unreadable> {
        let mut got = Self::default();
        let mut parts = Parts(message);
        while let Some((tag, part)) = parts.next()? {
            match tag {
                1 => got.found = Some(Document::read(part)?),
                2 => got.missing = Some(text(part)?),
                4 => got.read_time = Some(Timestamp::decode(part)?),
                _ => {}
            }
        }
        Ok(got)
    }
}

/// The document in one of the messages that answer a `RunQuery`: some have none.
pub(crate) fn queried(message: &[u8]) -> Result<Option<Document<'_>>, Unreadable> {
    let mut document = None;
    let mut parts = Parts(message);
    while let Some((tag, part)) = parts.next()? {
        if tag == 1 {
            document = Some(Document::read(part)?);
        }
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use gcloud_sdk::google::firestore::v1 as sdk;
    use gcloud_sdk::google::firestore::v1::batch_get_documents_response::Result as Found;
    use gcloud_sdk::google::firestore::v1::value::ValueType;

    use super::*;

    const TIME: Timestamp = Timestamp { seconds: 1_767_225_600, nanos: 123_456_000 };

    fn document() -> sdk::Document {
        let value = |value_type| sdk::Value { value_type: Some(value_type) };
        let array = sdk::ArrayValue { values: vec![value(ValueType::BytesValue(vec![7; 32]))] };
        let fields = [
            ("v", value(ValueType::BytesValue(vec![0, 0xff]))),
            ("exp", value(ValueType::TimestampValue(TIME))),
            ("w", value(ValueType::BytesValue(Vec::new()))),
            ("h", value(ValueType::ArrayValue(array))),
            ("a field of somebody else's", value(ValueType::DoubleValue(0.5))),
            ("", value(ValueType::StringValue("hunter2".into()))),
        ];
        sdk::Document {
            name: "projects/p/databases/(default)/documents/c/ka".to_owned(),
            fields: fields.map(|(name, value)| (name.to_owned(), value)).into(),
            create_time: Some(TIME),
            update_time: Some(TIME),
        }
    }

    fn check(document: &Document<'_>) {
        assert_eq!(document.name, "projects/p/databases/(default)/documents/c/ka");
        assert_eq!(document.update_time, Some(TIME));
        assert!(matches!(document.value, Some(Value::Bytes([0, 0xff]))));
        assert!(matches!(document.expiry, Some(Value::Time(TIME))));
        assert!(matches!(document.stamp, Some(Value::Bytes([]))));
        let Some(Value::Array(history)) = document.register else { panic!("no array") };
        let lengths = history.each(|value| match value {
            Value::Bytes(bytes) => Some(bytes.len()),
            _ => None,
        });
        assert_eq!(lengths, Some(vec![32]));
    }

    #[test]
    fn what_the_sdk_would_read_is_read() {
        let found = sdk::BatchGetDocumentsResponse {
            transaction: vec![1],
            read_time: Some(TIME),
            result: Some(Found::Found(document())),
        }
        .encode_to_vec();
        let got = Got::read(&found).expect("a message");
        assert_eq!((got.read_time, got.missing), (Some(TIME), None));
        check(&got.found.expect("a document"));

        let missing = sdk::BatchGetDocumentsResponse {
            result: Some(Found::Missing("a name".to_owned())),
            ..sdk::BatchGetDocumentsResponse::default()
        }
        .encode_to_vec();
        let got = Got::read(&missing).expect("a message");
        assert!(got.found.is_none() && got.missing == Some("a name"));

        let answer = sdk::RunQueryResponse {
            document: Some(document()),
            skipped_results: 7,
            ..sdk::RunQueryResponse::default()
        };
        check(&queried(&answer.encode_to_vec()).expect("a message").expect("a document"));
        let none = sdk::RunQueryResponse { read_time: Some(TIME), ..sdk::RunQueryResponse::default() };
        assert!(queried(&none.encode_to_vec()).expect("a message").is_none());
    }

    #[test]
    fn a_fields_name_may_come_behind_it() {
        // A map's entry whose value is its first field: 2 is the value, 1 is the name.
        let entry = [0x12, 0x05, 0x92, 0x01, 0x02, 8, 9, 0x0a, 0x01, b'v'];
        let message = [&[0x12, 10][..], &entry[..]].concat();
        let document = Document::read(&message).expect("a document");
        assert!(matches!(document.value, Some(Value::Bytes([8, 9]))));
    }

    #[test]
    fn what_is_cut_short_or_no_message_is_unreadable_and_nothing_worse() {
        let message = sdk::BatchGetDocumentsResponse {
            read_time: Some(TIME),
            result: Some(Found::Found(document())),
            ..sdk::BatchGetDocumentsResponse::default()
        }
        .encode_to_vec();
        for end in 0..message.len() {
            // Where a field ends, so may the message.
            let _ = Got::read(&message[..end]).map(|got| got.found.is_some());
        }
        for junk in [
            &[0x0a][..],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x12, 0x01, 0xff],
            &[0x07],
            &[0xff; 16],
        ] {
            assert!(Got::read(junk).is_err(), "{junk:?}");
        }
        let status = Status::from(Unreadable);
        assert_eq!(status.code(), tonic::Code::Internal);
    }
}
