//! Records as items of a table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use larder_core::driver::{Projection, RowKey, Shard};
use larder_core::record::{Applied, Record, Register, Revision, WriteId, WriteStamp, parse_counter};
use larder_core::{Expiry, Timestamp};

use crate::expressions::attribute;
use crate::json::Json;

pub(crate) type Item = HashMap<String, AttributeValue>;

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
pub(crate) fn decode(item: Item, projection: Projection) -> Result<Record, String> {
    Parts::of(item).record(projection)
}

/// Reads an item that was not asked for by its key; `None` if it tells none.
pub(crate) fn decode_row(item: Item, projection: Projection) -> Option<(String, Result<Record, String>)> {
    let mut parts = Parts::of(item);
    let key = parts.key.take()?;
    Some((key, parts.record(projection)))
}

/// The attributes of an item, found in one pass, since a look-up for each would hash every name; and read at once, since
/// typed values are large to move.
#[derive(Default)]
struct Parts {
    key: Option<String>,
    value: Found<Bytes>,
    number: Found<i64>,
    expiry: Option<u64>,
    write_id: Option<WriteId>,
    written_at: Option<u64>,
    /// A counter's, newest first.
    history: Option<Box<[Place; Register::CAPACITY]>>,
}

/// An attribute of which it matters whether it is there.
#[derive(Default)]
enum Found<T> {
    #[default]
    Missing,
    /// It is there, and of another type.
    Wrong,
    Right(T),
}

impl<T> From<Option<T>> for Found<T> {
    fn from(read: Option<T>) -> Self {
        read.map_or(Self::Wrong, Self::Right)
    }
}

/// A write that a counter remembers.
#[derive(Default)]
struct Place {
    id: Option<AttributeValue>,
    at: Option<AttributeValue>,
    result: Option<AttributeValue>,
}

impl Parts {
    fn of(item: Item) -> Self {
        let mut parts = Self::default();
        for (name, value) in item {
            match name.as_str() {
                attribute::KEY => {
                    parts.key = match value {
                        AttributeValue::S(key) => Some(key),
                        _ => None,
                    };
                }
                attribute::VALUE => {
                    parts.value = match value {
                        AttributeValue::B(value) => Found::Right(Bytes::from(value.into_inner())),
                        _ => Found::Wrong,
                    };
                }
                attribute::NUMBER => parts.number = number(Some(&value)).into(),
                attribute::EXPIRY => parts.expiry = number(Some(&value)),
                attribute::WRITE_ID => parts.write_id = write_id(Some(&value)),
                attribute::WRITTEN_AT => parts.written_at = number(Some(&value)),
                // Nothing is read from them, and they are in every item.
                attribute::SHARD | attribute::REAPED => {}
                name => {
                    if let Some(part) = parts.in_history(name) {
                        *part = Some(value);
                    }
                }
            }
        }
        parts
    }

    fn in_history(&mut self, name: &str) -> Option<&mut Option<AttributeValue>> {
        let place = |names: &[&str]| names.iter().position(|other| *other == name);
        let (at, part): (_, fn(&mut Place) -> &mut Option<AttributeValue>) =
            if let Some(at) = place(&attribute::IDS) {
                (at, |place| &mut place.id)
            } else if let Some(at) = place(&attribute::TIMES) {
                (at, |place| &mut place.at)
            } else {
                (place(&attribute::RESULTS)?, |place| &mut place.result)
            };
        self.history.get_or_insert_default().get_mut(at).map(part)
    }

    fn record(self, projection: Projection) -> Result<Record, String> {
        let id = self.write_id.ok_or("the item has no write id (attribute w)")?;
        let at = self.written_at.ok_or("the item has no time (attribute wt)")?;
        let expires_at = self.expiry.ok_or("the item has no expiry (attribute exp)")?;
        let (value, register) = match (projection, self.value, self.number) {
            (Projection::Meta, ..) => (Bytes::new(), None),
            (Projection::Full, Found::Right(value), Found::Missing) => (value, None),
            (Projection::Full, Found::Missing, Found::Right(count)) => {
                (Bytes::from(count.to_string()), register(self.history.as_deref())?.map(Box::new))
            }
            (Projection::Full, Found::Missing, Found::Wrong) => {
                return Err("the item's number is none".to_owned());
            }
            (Projection::Full, ..) => {
                return Err(
                    "the item has neither a value (attribute v) nor a number (attribute n)".to_owned()
                );
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
}

/// What a counter's item remembers, oldest first. A place that is not in use holds a number, or nothing.
fn register(places: Option<&[Place; Register::CAPACITY]>) -> Result<Option<Register>, String> {
    let Some(places) = places else { return Ok(None) };
    let mut history = Vec::with_capacity(places.len());
    for (at, place) in places.iter().enumerate().rev() {
        let Some(id) = write_id(place.id.as_ref()) else { continue };
        let (Some(sent_at), Some(result)) =
            (number::<u64>(place.at.as_ref()), number::<i64>(place.result.as_ref()))
        else {
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

fn number<T: std::str::FromStr>(value: Option<&AttributeValue>) -> Option<T> {
    value?.as_n().ok()?.parse().ok()
}

fn write_id(value: Option<&AttributeValue>) -> Option<WriteId> {
    Some(WriteId::from_bytes(value?.as_b().ok()?.as_ref().try_into().ok()?))
}

#[cfg(test)]
fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
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

/// The item that the service makes of what was written.
#[cfg(test)]
pub(crate) fn item_of(write: impl FnOnce(&mut Json)) -> Item {
    use std::str::FromStr as _;

    use aws_sdk_dynamodb::primitives::Blob;

    let mut json = Json::object(0);
    write(&mut json);
    let document = serde_json::Value::from_str(&json.finish()).expect("JSON");
    let attributes = document.as_object().expect("an object").iter().map(|(name, typed)| {
        let (kind, value) = typed.as_object().expect("typed").iter().next().expect("a type");
        let value = value.as_str().expect("text");
        let value = match kind.as_str() {
            "S" => text(value),
            "N" => AttributeValue::N(value.to_owned()),
            "B" => AttributeValue::B(Blob::new(base64_simd::STANDARD.decode_to_vec(value).expect("base64"))),
            _ => panic!("no item of ours has the type {kind}"),
        };
        (name.clone(), value)
    });
    attributes.collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;

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
            let record = decode(item, Projection::Full).expect("it decodes");
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
            assert!(decode(item, Projection::Full).is_err(), "{name} {wrong:?}");
        }
        for (name, wrong) in [("n", text("7")), ("n", AttributeValue::N("1.5".into())), ("t0", text("1"))] {
            let mut item = item(b"7", Expiry::NEVER);
            item.insert(name.to_owned(), wrong);
            assert!(decode(item, Projection::Full).is_err(), "{name}");
        }
    }
}
