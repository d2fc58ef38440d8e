//! Records as documents.

use std::collections::HashMap;

use bytes::Bytes;
use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::{ArrayValue, Document, DocumentMask, Value};
use gcloud_sdk::prost_types;
use larder_core::driver::Projection;
use larder_core::record::{Applied, Record, Register, Revision, WriteStamp};
use larder_core::{Expiry, Timestamp};

/// The names of a document's fields.
pub(crate) mod field {
    pub(crate) const VALUE: &str = "v";
    pub(crate) const EXPIRY: &str = "exp";
    pub(crate) const STAMP: &str = "w";
    pub(crate) const REGISTER: &str = "h";
}

/// A register entry: the stamp, then the number.
const ENTRY: usize = WriteStamp::LEN + 8;

/// The fields that tell of a record without its value, and that a touch replaces.
pub(crate) fn meta() -> DocumentMask {
    DocumentMask { field_paths: vec![field::EXPIRY.to_owned(), field::STAMP.to_owned()] }
}

/// The mask of a read: none to read everything.
pub(crate) fn mask(projection: Projection) -> Option<DocumentMask> {
    (projection == Projection::Meta).then(meta)
}

/// The document of a record.
pub(crate) fn encode(
    name: String,
    value: &Bytes,
    expires_at: Expiry,
    stamp: WriteStamp,
    register: Option<&Register>,
) -> Document {
    let mut document = encode_meta(name, expires_at, stamp);
    document.fields.insert(field::VALUE.to_owned(), bytes(value.to_vec()));
    if let Some(register) = register {
        let values = register.history().iter().map(entry).collect();
        let history = Value { value_type: Some(ValueType::ArrayValue(ArrayValue { values })) };
        document.fields.insert(field::REGISTER.to_owned(), history);
    }
    document
}

/// What a touch writes, under the mask of [`meta`]. A field of the mask that is missing here is removed.
pub(crate) fn encode_meta(name: String, expires_at: Expiry, stamp: WriteStamp) -> Document {
    let mut fields = HashMap::with_capacity(4);
    fields.insert(field::STAMP.to_owned(), bytes(stamp.to_bytes().to_vec()));
    if let Some(moment) = expires_at.moment() {
        let time = Value { value_type: Some(ValueType::TimestampValue(time(moment))) };
        fields.insert(field::EXPIRY.to_owned(), time);
    }
    Document { name, fields, create_time: None, update_time: None }
}

/// Reads a document.
///
/// # Errors
///
/// Why it cannot be decoded.
pub(crate) fn decode(mut document: Document, projection: Projection) -> Result<Record, String> {
    let revision = document.update_time.as_ref().map(revision).ok_or("the document has no update time")?;
    let stamp = match document.fields.get(field::STAMP).and_then(|value| value.value_type.as_ref()) {
        Some(ValueType::BytesValue(stamp)) => stamp.as_slice().try_into().ok(),
        _ => None,
    };
    let stamp: &[u8; WriteStamp::LEN] = stamp.ok_or("the document has no write stamp (field w)")?;
    let stamp = WriteStamp::from_bytes(stamp);
    let expires_at = match document.fields.get(field::EXPIRY).map(|value| value.value_type.as_ref()) {
        None => Expiry::NEVER,
        Some(Some(ValueType::TimestampValue(time))) => {
            Expiry::at(moment(time).ok_or("the document's expiry (field exp) is before 1970")?)
        }
        Some(_) => return Err("the document's expiry (field exp) is no timestamp".to_owned()),
    };
    let (value, register) = match projection {
        Projection::Meta => (Bytes::new(), None),
        Projection::Full => match document.fields.remove(field::VALUE).and_then(|value| value.value_type) {
            Some(ValueType::BytesValue(value)) => (Bytes::from(value), register(&document)?.map(Box::new)),
            _ => return Err("the document has no value (field v) of type bytes".to_owned()),
        },
    };
    Ok(Record { value, expires_at, stamp, revision, register })
}

fn register(document: &Document) -> Result<Option<Register>, String> {
    let Some(value) = document.fields.get(field::REGISTER) else { return Ok(None) };
    let Some(ValueType::ArrayValue(array)) = &value.value_type else {
        return Err("the document's register (field h) is no array".to_owned());
    };
    let history: Option<Vec<_>> = array.values.iter().map(applied).collect();
    history
        .map(|history| Some(Register::from_history(history)))
        .ok_or_else(|| format!("an entry of the document's register (field h) is not {ENTRY} bytes"))
}

fn entry(applied: &Applied) -> Value {
    let mut entry = Vec::with_capacity(ENTRY);
    entry.extend(applied.stamp.to_bytes());
    entry.extend(applied.result.to_be_bytes());
    bytes(entry)
}

fn applied(value: &Value) -> Option<Applied> {
    let Some(ValueType::BytesValue(entry)) = &value.value_type else { return None };
    let (stamp, result) = entry.split_first_chunk::<{ WriteStamp::LEN }>()?;
    Some(Applied {
        stamp: WriteStamp::from_bytes(stamp),
        result: i64::from_be_bytes(result.try_into().ok()?),
    })
}

fn bytes(content: Vec<u8>) -> Value {
    Value { value_type: Some(ValueType::BytesValue(content)) }
}

/// The revision that a document has: its update time.
pub(crate) fn revision(time: &prost_types::Timestamp) -> Revision {
    Revision::Platform(format!("{}.{:09}", time.seconds, time.nanos).into())
}

/// The update time that a revision stands for; `None` for one of another platform.
pub(crate) fn update_time(revision: &Revision) -> Option<prost_types::Timestamp> {
    let Revision::Platform(text) = revision else { return None };
    let (seconds, nanos) = text.split_once('.')?;
    let is_nanos = nanos.len() == 9 && nanos.bytes().all(|byte| byte.is_ascii_digit());
    let nanos = if is_nanos { nanos.parse().ok()? } else { return None };
    Some(prost_types::Timestamp { seconds: seconds.parse().ok()?, nanos })
}

fn time(moment: Timestamp) -> prost_types::Timestamp {
    let millis = moment.as_millis();
    let seconds = i64::try_from(millis / 1_000).unwrap_or(i64::MAX);
    prost_types::Timestamp { seconds, nanos: i32::try_from(millis % 1_000).unwrap_or(0) * 1_000_000 }
}

/// A time of Firestore's in whole milliseconds.
pub(crate) fn moment(time: &prost_types::Timestamp) -> Option<Timestamp> {
    let (seconds, nanos) = (u64::try_from(time.seconds).ok()?, u64::try_from(time.nanos).ok()?);
    Some(Timestamp::from_millis(seconds.checked_mul(1_000)?.checked_add(nanos / 1_000_000)?))
}

#[cfg(test)]
mod tests {
    use larder_core::LATEST_EXPIRY;
    use larder_core::record::WriteId;

    use super::*;

    fn stamp() -> WriteStamp {
        let id = WriteId::from_bytes(std::array::from_fn(|index| u8::try_from(index).expect("small")));
        WriteStamp { id, at: Timestamp::from_millis(1_767_225_600_123) }
    }

    fn stored(mut document: Document) -> Document {
        document.update_time = Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 123_456_000 });
        document
    }

    #[test]
    fn a_record_survives_its_document() {
        let register = Register::from_history(vec![Applied { stamp: stamp(), result: -7 }]);
        for expires_at in [Expiry::NEVER, Expiry::at(Timestamp::from_millis(1)), Expiry::at(LATEST_EXPIRY)] {
            for register in [None, Some(&register)] {
                let value = Bytes::from_static(b"-7");
                let document = stored(encode("name".into(), &value, expires_at, stamp(), register));
                let record = decode(document, Projection::Full).expect("it decodes");
                assert_eq!((record.value, record.expires_at, record.stamp), (value, expires_at, stamp()));
                assert_eq!(record.register.as_deref(), register);
                assert_eq!(record.revision, Revision::Platform("1767225600.123456000".into()));
            }
        }
    }

    #[test]
    fn a_revision_is_an_update_time_and_nothing_else() {
        let time = prost_types::Timestamp { seconds: 1_767_225_600, nanos: 1_000 };
        assert_eq!(update_time(&revision(&time)), Some(time));
        for text in ["", "1", "1.", "1.1", "x.000000000", "1.00000000x", "W/\"datetime'1.000000000'\""] {
            assert_eq!(update_time(&Revision::Platform(text.into())), None, "{text}");
        }
        assert_eq!(update_time(&Revision::WriteId(stamp().id)), None);
    }

    #[test]
    fn what_something_else_wrote_is_told_apart() {
        let whole = || stored(encode("name".into(), &Bytes::new(), Expiry::NEVER, stamp(), None));
        decode(whole(), Projection::Full).expect("it decodes");
        let number = || Value { value_type: Some(ValueType::IntegerValue(7)) };
        for name in [field::VALUE, field::EXPIRY, field::STAMP, field::REGISTER] {
            let mut document = whole();
            document.fields.insert(name.to_owned(), number());
            let reason = decode(document, Projection::Full).expect_err(name);
            assert!(reason.contains(&format!("field {name})")), "{reason}");
        }
        for name in [field::VALUE, field::STAMP] {
            let mut document = whole();
            document.fields.remove(name);
            decode(document, Projection::Full).expect_err(name);
        }
    }
}
