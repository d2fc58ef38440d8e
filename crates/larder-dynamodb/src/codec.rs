//! Records as items of a table.

#[cfg(test)]
use aws_sdk_dynamodb::primitives::Blob;
#[cfg(test)]
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use larder_core::driver::{Projection, RowKey, Shard};
use larder_core::record::{Applied, Record, Register, Revision, WriteStamp, parse_counter};
use larder_core::{Expiry, Timestamp};

use crate::expressions::attribute;
use crate::json::Json;
#[cfg(test)]
use crate::parts::Item;
use crate::parts::{Found, Parts, Place};

/// Never, in the field that the table's reaper reads: the end of the year 9999, in seconds.
const NEVER_REAPED: u64 = 253_402_301_100;
/// How long after its expiry the reaper may take an item, so that it never outruns a slow clock (T3), in seconds.
const REAPER_LAG: u64 = 300;

/// The partition of a shard.
pub(crate) fn partition(shard: Shard) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if shard == Shard::SYSTEM {
        return "!".to_owned();
    }
    let Ok(number) = u8::try_from(shard.0) else { return format!("{:X}", shard.0) };
    // A part of every key: to format it would be most of what a key costs.
    String::from_iter([number >> 4, number & 0xF].map(|digit| char::from(DIGITS[usize::from(digit)])))
}

/// Writes the primary key of a row.
pub(crate) fn write_key(to: &mut Json, row: &RowKey) {
    write_key_of(to, &partition(row.shard), row.key.as_str());
}

/// Writes the primary key of what stands in a partition under that text.
pub(crate) fn write_key_of(to: &mut Json, partition: &str, key: &str) {
    to.string(attribute::SHARD, partition);
    to.string(attribute::KEY, key);
}

/// About how many bytes the item of a value takes.
pub(crate) fn item_bytes(value: &[u8]) -> usize {
    // In base64, with a key and the names; a counter's history is as long again, and rare.
    value.len() / 3 * 4 + 320
}

/// Writes the item of a record.
pub(crate) fn encode(
    to: &mut Json,
    row: &RowKey,
    value: &[u8],
    expires_at: Expiry,
    stamp: WriteStamp,
    register: Option<&Register>,
) {
    write_key(to, row);
    to.number(attribute::EXPIRY, expiry_millis(expires_at));
    to.number(attribute::REAPED, reaped_seconds(expires_at, stamp.at));
    to.binary(attribute::WRITE_ID, stamp.id.as_bytes());
    to.number(attribute::WRITTEN_AT, stamp.at.as_millis());
    let Some(number) = number_of(value) else {
        to.binary(attribute::VALUE, value);
        return;
    };
    to.number(attribute::NUMBER, number);
    // A counter's register begins with the write that made it.
    let made = [Applied { stamp, result: number }];
    let history = register.map_or(&made[..], Register::history);
    for (place, applied) in history.iter().rev().enumerate() {
        to.binary(attribute::IDS[place], applied.stamp.id.as_bytes());
        to.number(attribute::TIMES[place], applied.stamp.at.as_millis());
        to.number(attribute::RESULTS[place], applied.result);
    }
}

/// Writes the values of an update that gives an item another lifetime, or a new one.
pub(crate) fn write_stamp(to: &mut Json, expires_at: Expiry, stamp: WriteStamp) {
    to.number(":exp", expiry_millis(expires_at));
    to.number(":ttl", reaped_seconds(expires_at, stamp.at));
    to.binary(":id", stamp.id.as_bytes());
    to.number(":at", stamp.at.as_millis());
}

/// Reads an item.
///
/// # Errors
///
/// Why it cannot be decoded.
pub(crate) fn decode(item: Parts, projection: Projection) -> Result<Record, String> {
    let id = item.write_id.ok_or("the item has no write id (attribute w)")?;
    let at = item.written_at.ok_or("the item has no time (attribute wt)")?;
    let expires_at = item.expiry.ok_or("the item has no expiry (attribute exp)")?;
    let (value, register) = match (projection, item.value, item.number) {
        (Projection::Meta, ..) => (Bytes::new(), None),
        (Projection::Full, Found::Right(value), Found::Missing) => (value, None),
        (Projection::Full, Found::Missing, Found::Right(count)) => {
            (Bytes::from(count.to_string()), register(item.history.as_deref())?.map(Box::new))
        }
        (Projection::Full, Found::Missing, Found::Wrong) => {
            return Err("the item's number is none".to_owned());
        }
        (Projection::Full, ..) => {
            return Err("the item has neither a value (attribute v) nor a number (attribute n)".to_owned());
        }
    };
    Ok(Record {
        value,
        expires_at: if expires_at == i64::MAX.unsigned_abs() {
            Expiry::NEVER
        } else {
            Expiry::from_raw(expires_at)
        },
        stamp: WriteStamp { id, at: Timestamp::from_millis(at) },
        revision: Revision::WriteId(id),
        register,
    })
}

/// Reads an item that was not asked for by its key; `None` if it tells none.
pub(crate) fn decode_row(
    mut item: Parts,
    projection: Projection,
) -> Option<(String, Result<Record, String>)> {
    let key = item.key.take()?;
    Some((key, decode(item, projection)))
}

/// What a counter's item remembers, oldest first. A place that is not in use holds a number, or nothing.
fn register(places: Option<&[Place; Register::CAPACITY]>) -> Result<Option<Register>, String> {
    let Some(places) = places else { return Ok(None) };
    let mut history = Vec::with_capacity(places.len());
    for (at, place) in places.iter().enumerate().rev() {
        let Some(id) = place.id else { continue };
        let (Some(sent_at), Some(result)) = (place.at, place.result) else {
            return Err(format!("the item's register is cut short (attribute {})", attribute::IDS[at]));
        };
        history.push(Applied { stamp: WriteStamp { id, at: Timestamp::from_millis(sent_at) }, result });
    }
    Ok((!history.is_empty()).then(|| Register::from_history(history)))
}

/// The number that a value is exactly the text of, if it is: `-0` is a number to C1, but no number prints so.
fn number_of(value: &[u8]) -> Option<i64> {
    parse_counter(value).filter(|_| value != b"-0")
}

fn expiry_millis(expires_at: Expiry) -> u64 {
    expires_at.moment().map_or(i64::MAX.unsigned_abs(), Timestamp::as_millis)
}

/// When the table's reaper may take the item, in seconds.
///
/// Not before it was written: what should have gone more than five years ago the reaper leaves for ever.
fn reaped_seconds(expires_at: Expiry, written_at: Timestamp) -> u64 {
    expires_at
        .moment()
        .map_or(NEVER_REAPED, |moment| moment.max(written_at).as_millis().div_ceil(1_000) + REAPER_LAG)
}

/// The item that the service makes of what was written, as the SDK has it.
#[cfg(test)]
pub(crate) fn item_of(write: impl FnOnce(&mut Json)) -> Item {
    let mut json = Json::object(0);
    write(&mut json);
    let document: serde_json::Value = serde_json::from_str(&json.finish()).expect("JSON");
    let attributes = document.as_object().expect("an object").iter().map(|(name, typed)| {
        let (kind, value) = typed.as_object().expect("typed").iter().next().expect("a type");
        let value = value.as_str().expect("text");
        let value = match kind.as_str() {
            "S" => AttributeValue::S(value.to_owned()),
            "N" => AttributeValue::N(value.to_owned()),
            "B" => AttributeValue::B(Blob::new(base64_simd::STANDARD.decode_to_vec(value).expect("base64"))),
            _ => panic!("no item of ours has the type {kind}"),
        };
        (name.clone(), value)
    });
    attributes.collect()
}

/// The same as the service sends it.
#[cfg(test)]
pub(crate) fn json_of(item: &Item) -> String {
    let attributes = item.iter().map(|(name, value)| {
        let value = match value {
            AttributeValue::S(text) => serde_json::json!({ "S": text }),
            AttributeValue::N(number) => serde_json::json!({ "N": number }),
            AttributeValue::B(bytes) => {
                serde_json::json!({ "B": base64_simd::STANDARD.encode_to_string(bytes.as_ref()) })
            }
            _ => serde_json::json!({ "NULL": true }),
        };
        (name.clone(), value)
    });
    serde_json::Value::Object(attributes.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use larder_core::record::WriteId;

    use super::*;

    const AT: u64 = 1_767_225_600_123;

    fn item(value: &'static [u8], expires_at: Expiry) -> Item {
        let key = larder_core::CanonicalKey::from_canonical("user:123").expect("a key");
        let stamp = WriteStamp {
            id: WriteId::from_bytes(std::array::from_fn(|at| u8::try_from(at).expect("small"))),
            at: Timestamp::from_millis(AT),
        };
        item_of(|json| encode(json, &RowKey { shard: Shard(3), key }, value, expires_at, stamp, None))
    }

    fn text(text: impl Into<String>) -> AttributeValue {
        AttributeValue::S(text.into())
    }

    /// What an item is read as, whether the SDK has parsed it or not.
    fn decode(item: &Item) -> Result<Record, String> {
        let record = super::decode(Parts::of(item.clone()), Projection::Full);
        let parsed = serde_json::from_str(&json_of(item)).expect("JSON");
        assert_eq!(super::decode(parsed, Projection::Full), record);
        record
    }

    #[test]
    fn items_are_as_the_layout_says() {
        let item = item(b"hello", Expiry::from_raw(1_767_225_660_123));
        for (name, expected) in [
            ("pk", text("03")),
            ("sk", text("user:123")),
            ("v", AttributeValue::B(Blob::new("hello"))),
            ("exp", AttributeValue::N("1767225660123".into())),
            ("ttl", AttributeValue::N("1767225961".into())),
            ("w", AttributeValue::B(Blob::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]))),
            ("wt", AttributeValue::N(AT.to_string())),
        ] {
            assert_eq!(item.get(name), Some(&expected), "{name}");
        }
        assert_eq!(item.len(), 7);
    }

    #[test]
    fn the_reaper_never_comes_before_the_expiry() {
        let ttl = |millis| reaped_seconds(Expiry::from_raw(millis), Timestamp::from_millis(4_000));
        // A whole second, and every part of one, is rounded up; then the lag.
        assert_eq!(ttl(5_000), 305);
        assert_eq!(ttl(5_001), 306);
        assert_eq!(ttl(5_999), 306);
        assert_eq!(reaped_seconds(Expiry::NEVER, Timestamp::from_millis(AT)), 253_402_301_100);
        assert_eq!(expiry_millis(Expiry::NEVER), 9_223_372_036_854_775_807);
    }

    #[test]
    fn what_had_expired_when_it_was_written_is_not_too_old_for_the_reaper() {
        let at = Timestamp::from_millis(AT);
        // 1 ms before, and seven years: as if it had expired with the write.
        for expires_at in [AT, AT - 1, AT - 7 * 365 * 24 * 3_600 * 1_000, 1] {
            let item = item(b"hello", Expiry::from_raw(expires_at));
            assert_eq!(item.get("ttl"), Some(&AttributeValue::N("1767225901".into())), "{expires_at}");
            assert_eq!(item.get("exp"), Some(&AttributeValue::N(expires_at.to_string())));
        }
        assert_eq!(reaped_seconds(Expiry::from_raw(AT + 1_000), at), 1_767_225_902);
    }

    #[test]
    fn a_number_is_stored_as_one_exactly_when_it_prints_as_its_text() {
        for (value, is_number) in [
            (&b"0"[..], true),
            (b"-7", true),
            (b"9223372036854775807", true),
            (b"-0", false),
            (b"+7", false),
            (b"07", false),
            (b"9223372036854775808", false),
            (b"", false),
            (b" 7", false),
        ] {
            let item = item(value, Expiry::NEVER);
            assert_eq!(item.contains_key("n"), is_number, "{value:?}");
            assert_eq!(item.contains_key("v"), !is_number, "{value:?}");
            let record = decode(&item).expect("it decodes");
            assert_eq!(record.value, value);
            assert_eq!(record.register.is_some(), is_number);
        }
    }

    #[test]
    fn an_item_with_a_part_of_another_type_is_no_record() {
        let number = AttributeValue::N("7".into());
        for (name, wrong) in [
            ("v", Some(text("hello"))),
            ("v", Some(number.clone())),
            ("v", Some(AttributeValue::Null(true))),
            ("v", None),
            ("n", Some(number.clone())),
            ("w", Some(text("0123456789abcdef"))),
            ("w", Some(AttributeValue::B(Blob::new("short")))),
            ("w", None),
            ("wt", Some(text("1"))),
            ("exp", Some(AttributeValue::N("-1".into()))),
            ("exp", Some(AttributeValue::N("1.5".into()))),
            ("exp", Some(AttributeValue::N("1E30".into()))),
            ("exp", None),
        ] {
            let mut item = item(b"hello", Expiry::NEVER);
            match wrong.clone() {
                Some(wrong) => drop(item.insert(name.to_owned(), wrong)),
                None => drop(item.remove(name)),
            }
            assert!(decode(&item).is_err(), "{name} {wrong:?}");
        }
        for (name, wrong) in [("n", text("7")), ("n", AttributeValue::N("1.5".into())), ("t0", text("1"))] {
            let mut item = item(b"7", Expiry::NEVER);
            item.insert(name.to_owned(), wrong);
            assert!(decode(&item).is_err(), "{name}");
        }
    }
}
