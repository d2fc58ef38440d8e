//! Records as documents.

use bytes::Bytes;
use gcloud_sdk::prost_types;
use larder_core::driver::Projection;
use larder_core::record::{Applied, Record, Register, Revision, WriteStamp};
use larder_core::{Expiry, Timestamp};
use smol_str::SmolStrBuilder;

use crate::names::Name;
use crate::reply::{self, Value};
use crate::request::{self, Select};

/// The names of a document's fields.
pub(crate) mod field {
    pub(crate) const VALUE: &str = "v";
    pub(crate) const EXPIRY: &str = "exp";
    pub(crate) const STAMP: &str = "w";
    pub(crate) const REGISTER: &str = "h";
}

/// The fields that tell of a record without its value, and that a touch replaces.
pub(crate) const META: [&str; 2] = [field::EXPIRY, field::STAMP];

/// Which fields a read is for.
pub(crate) fn select(projection: Projection) -> Select {
    match projection {
        Projection::Full => Select::All,
        Projection::Meta => Select::Meta,
    }
}

/// The document of a record.
pub(crate) fn encode<'a>(
    name: Name<'a>,
    value: &'a [u8],
    expires_at: Expiry,
    stamp: WriteStamp,
    register: Option<&'a Register>,
) -> request::Document<'a> {
    request::Document { value: Some(value), register, ..encode_meta(name, expires_at, stamp) }
}

/// What a touch writes.
pub(crate) fn encode_meta(name: Name<'_>, expires_at: Expiry, stamp: WriteStamp) -> request::Document<'_> {
    let expiry = expires_at.moment().map(time);
    request::Document { name, stamp: stamp.to_bytes(), expiry, value: None, register: None }
}

/// Reads a document.
///
/// # Errors
///
/// Why it cannot be decoded.
pub(crate) fn decode(document: &reply::Document<'_>, projection: Projection) -> Result<Record, String> {
    let revision = document.update_time.as_ref().map(revision).ok_or("the document has no update time")?;
    let stamp = match document.stamp {
        Some(Value::Bytes(stamp)) => stamp.try_into().ok(),
        _ => None,
    };
    let stamp = WriteStamp::from_bytes(stamp.ok_or("the document has no write stamp (field w)")?);
    let expires_at = match document.expiry {
        None => Expiry::NEVER,
        Some(Value::Time(time)) => {
            Expiry::at(moment(&time).ok_or("the document's expiry (field exp) is before 1970")?)
        }
        Some(_) => return Err("the document's expiry (field exp) is no timestamp".to_owned()),
    };
    let (value, register) = match (projection, document.value) {
        (Projection::Meta, _) => (Bytes::new(), None),
        // A copy: the value would keep all that came with it in memory.
        (Projection::Full, Some(Value::Bytes(value))) => {
            (Bytes::copy_from_slice(value), document.register.map(register).transpose()?)
        }
        (Projection::Full, _) => {
            return Err("the document has no value (field v) of type bytes".to_owned());
        }
    };
    Ok(Record { value, expires_at, stamp, revision, register: register.map(Box::new) })
}

fn register(value: Value<'_>) -> Result<Register, String> {
    let Value::Array(array) = value else {
        return Err("the document's register (field h) is no array".to_owned());
    };
    let history = array.each(applied);
    history.map(Register::from_history).ok_or_else(|| {
        let entry = WriteStamp::LEN + 8;
        format!("an entry of the document's register (field h) is not {entry} bytes")
    })
}

fn applied(value: Value<'_>) -> Option<Applied> {
    let Value::Bytes(entry) = value else { return None };
    let (stamp, result) = entry.split_first_chunk::<{ WriteStamp::LEN }>()?;
    Some(Applied {
        stamp: WriteStamp::from_bytes(stamp),
        result: i64::from_be_bytes(result.try_into().ok()?),
    })
}

/// The revision that a document has: its update time.
pub(crate) fn revision(time: &prost_types::Timestamp) -> Revision {
    /// So that a fraction keeps its nine digits.
    const SECOND: i64 = 1_000_000_000;
    // Every reply has one: std's formatting takes several times as long.
    let (mut seconds, mut nanos) = (itoa::Buffer::new(), itoa::Buffer::new());
    let mut text = SmolStrBuilder::new();
    text.push_str(seconds.format(time.seconds));
    text.push('.');
    text.push_str(&nanos.format(SECOND + i64::from(time.nanos))[1..]);
    Revision::Platform(text.finish())
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
    use gcloud_sdk::google::firestore::v1::value::ValueType;
    use gcloud_sdk::google::firestore::v1::{Document, Value as AnyValue};
    use gcloud_sdk::prost::Message as _;
    use larder_core::LATEST_EXPIRY;
    use larder_core::driver::Shard;
    use larder_core::record::WriteId;

    use super::*;
    use crate::names::Place;
    use crate::request::tests::sent;

    fn stamp() -> WriteStamp {
        let id = WriteId::from_bytes(std::array::from_fn(|index| u8::try_from(index).expect("small")));
        WriteStamp { id, at: Timestamp::from_millis(1_767_225_600_123) }
    }

    /// What the server keeps of a record, as the SDK reads it.
    fn stored(value: &[u8], expires_at: Expiry, register: Option<&Register>) -> Document {
        let place = Place::new("p".into(), "(default)".into(), "c".into(), "https://host".into());
        let name = place.bound(Shard(0), "key");
        let mut document = sent(encode(name, value, expires_at, stamp(), register));
        document.update_time = Some(prost_types::Timestamp { seconds: 1_767_225_600, nanos: 123_456_000 });
        document
    }

    /// What comes of a document that the server sends.
    fn read(document: &Document, projection: Projection) -> Result<Record, String> {
        let message = document.encode_to_vec();
        decode(&reply::Document::read(&message).expect("a document"), projection)
    }

    #[test]
    fn a_record_survives_its_document() {
        let register = Register::from_history(vec![Applied { stamp: stamp(), result: -7 }]);
        for expires_at in [Expiry::NEVER, Expiry::at(Timestamp::from_millis(1)), Expiry::at(LATEST_EXPIRY)] {
            for register in [None, Some(&register)] {
                let document = stored(b"-7", expires_at, register);
                let record = read(&document, Projection::Full).expect("it decodes");
                assert_eq!((&record.value[..], record.expires_at), (&b"-7"[..], expires_at));
                assert_eq!(record.stamp, stamp());
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
        let whole = || stored(b"", Expiry::NEVER, None);
        read(&whole(), Projection::Full).expect("it decodes");
        let number = || AnyValue { value_type: Some(ValueType::IntegerValue(7)) };
        for name in [field::VALUE, field::EXPIRY, field::STAMP, field::REGISTER] {
            let mut document = whole();
            document.fields.insert(name.to_owned(), number());
            let reason = read(&document, Projection::Full).expect_err(name);
            assert!(reason.contains(&format!("field {name})")), "{reason}");
        }
        for name in [field::VALUE, field::STAMP] {
            let mut document = whole();
            document.fields.remove(name);
            read(&document, Projection::Full).expect_err(name);
        }
        let mut strange = whole();
        strange.fields.insert("junk".to_owned(), number());
        assert!(read(&strange, Projection::Full).is_ok(), "a field of somebody else's is left alone");
        strange.fields.remove(field::VALUE);
        assert!(read(&strange, Projection::Meta).is_ok(), "the value was not asked for");
        strange.update_time = None;
        read(&strange, Projection::Meta).expect_err("it has no revision");
    }
}
