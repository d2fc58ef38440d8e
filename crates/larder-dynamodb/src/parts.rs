//! The attributes of an item, whoever has parsed it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use larder_core::record::{Register, WriteId};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::expressions::attribute;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The attributes of an item, found in one pass: a look-up for each would hash every name.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) key: Option<String>,
    pub(crate) value: Found<Bytes>,
    pub(crate) number: Found<i64>,
    pub(crate) expiry: Option<u64>,
    pub(crate) write_id: Option<WriteId>,
    pub(crate) written_at: Option<u64>,
    /// A counter's, newest first.
    pub(crate) history: Option<Box<[Place; Register::CAPACITY]>>,
}

/// An attribute of which it matters whether it is there.
#[derive(Default)]
pub(crate) enum Found<T> {
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
pub(crate) struct Place {
    pub(crate) id: Option<WriteId>,
    pub(crate) at: Option<u64>,
    pub(crate) result: Option<i64>,
}

impl Parts {
    /// Of an item that the SDK has parsed.
    pub(crate) fn of(item: Item) -> Self {
        let mut parts = Self::default();
        for (name, value) in item {
            if is_read(&name) {
                parts.set(&name, value.into());
            }
        }
        parts
    }

    fn set(&mut self, name: &str, value: Typed<'_>) {
        match name {
            attribute::KEY => {
                self.key = match value {
                    Typed::Text(key) => Some(key.into_owned()),
                    _ => None,
                };
            }
            attribute::VALUE => {
                self.value = match value {
                    Typed::Binary(value) => Found::Right(value.into()),
                    _ => Found::Wrong,
                };
            }
            attribute::NUMBER => self.number = value.number().into(),
            attribute::EXPIRY => self.expiry = value.number(),
            attribute::WRITE_ID => self.write_id = value.write_id(),
            attribute::WRITTEN_AT => self.written_at = value.number(),
            name => self.set_in_history(name, &value),
        }
    }

    fn history(&mut self) -> &mut [Place; Register::CAPACITY] {
        self.history.get_or_insert_default()
    }

    fn set_in_history(&mut self, name: &str, value: &Typed<'_>) {
        let place = |names: &[&str]| names.iter().position(|other| *other == name);
        if let Some(at) = place(&attribute::IDS) {
            self.history()[at].id = value.write_id();
        } else if let Some(at) = place(&attribute::TIMES) {
            self.history()[at].at = value.number();
        } else if let Some(at) = place(&attribute::RESULTS) {
            self.history()[at].result = value.number();
        }
    }
}

/// Whether anything is read from an attribute: some are in every item for others, and people may add what they like.
fn is_read(name: &str) -> bool {
    match name {
        attribute::KEY
        | attribute::VALUE
        | attribute::NUMBER
        | attribute::EXPIRY
        | attribute::WRITE_ID
        | attribute::WRITTEN_AT => true,
        _ => [attribute::IDS, attribute::TIMES, attribute::RESULTS].as_flattened().contains(&name),
    }
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(document: D) -> Result<Self, D::Error> {
        struct Attributes;

        impl<'de> Visitor<'de> for Attributes {
            type Value = Parts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an item")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Parts, M::Error> {
                let mut parts = Parts::default();
                while let Some(name) = map.next_key::<Text<'_>>()? {
                    if is_read(&name) {
                        parts.set(&name, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(parts)
            }
        }

        document.deserialize_map(Attributes)
    }
}

/// The value of an attribute with its type.
enum Typed<'a> {
    Text(Cow<'a, str>),
    Number(Cow<'a, str>),
    Binary(Vec<u8>),
    /// Of a type that nothing of Larder's has.
    Other,
}

impl Typed<'_> {
    fn number<T: FromStr>(&self) -> Option<T> {
        match self {
            Self::Number(number) => number.parse().ok(),
            _ => None,
        }
    }

    fn write_id(&self) -> Option<WriteId> {
        match self {
            Self::Binary(id) => Some(WriteId::from_bytes(id.as_slice().try_into().ok()?)),
            _ => None,
        }
    }
}

impl From<AttributeValue> for Typed<'_> {
    fn from(value: AttributeValue) -> Self {
        match value {
            AttributeValue::S(text) => Self::Text(text.into()),
            AttributeValue::N(number) => Self::Number(number.into()),
            AttributeValue::B(bytes) => Self::Binary(bytes.into_inner()),
            _ => Self::Other,
        }
    }
}

impl<'de> Deserialize<'de> for Typed<'de> {
    fn deserialize<D: Deserializer<'de>>(document: D) -> Result<Self, D::Error> {
        struct Value;

        impl<'de> Visitor<'de> for Value {
            type Value = Typed<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its type")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Typed<'de>, M::Error> {
                let mut value = Typed::Other;
                while let Some(kind) = map.next_key::<Text<'_>>()? {
                    value = match &*kind {
                        "S" => Typed::Text(map.next_value::<Text<'de>>()?.0),
                        "N" => Typed::Number(map.next_value::<Text<'de>>()?.0),
                        "B" => {
                            let bytes = base64_simd::STANDARD.decode_to_vec(&*map.next_value::<Text<'_>>()?);
                            Typed::Binary(bytes.map_err(|_| Error::custom("bytes that are no base64"))?)
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            Typed::Other
                        }
                    };
                }
                Ok(value)
            }
        }

        document.deserialize_map(Value)
    }
}

/// Text of a document, copied only where it is escaped.
struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(document: D) -> Result<Self, D::Error> {
        struct Borrowed;

        impl<'de> Visitor<'de> for Borrowed {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        document.deserialize_str(Borrowed)
    }
}
