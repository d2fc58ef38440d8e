//! Properties as they stand in JSON: text, whose type another property beside it names.

use std::fmt;
use std::marker::PhantomData;

use base64_simd::{Out, STANDARD};
use bytes::Bytes;
use larder_core::record::{Applied, Register, WriteStamp};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// An entry of a register: the stamp, then the number as a big-endian `i64`.
const APPLIED: usize = WriteStamp::LEN + 8;

/// The type that a property has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub(crate) enum EdmType {
    #[serde(rename = "Edm.Binary")]
    Binary,
    #[serde(rename = "Edm.Int64")]
    Int64,
    #[serde(other)]
    Other,
}

/// What may be written as text.
pub(crate) trait Text: Sized {
    /// The type of such a property.
    const TYPE: EdmType;

    fn read(text: &str) -> Option<Self>;
}

/// Whatever something wrote there: a `T`, or what is none. It is read where it stands, without a copy of its text.
#[derive(Debug)]
pub(crate) struct Property<T>(Option<T>);

impl<T: Text> Property<T> {
    /// What it holds, if it says itself that it is of that type.
    pub(crate) fn typed(self, is: Option<EdmType>) -> Option<T> {
        self.0.filter(|_| is == Some(T::TYPE))
    }

    /// The same, for a look.
    pub(crate) fn as_typed(&self, is: Option<EdmType>) -> Option<&T> {
        self.0.as_ref().filter(|_| is == Some(T::TYPE))
    }
}

impl<'de, T: Text> Deserialize<'de> for Property<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything(PhantomData)).map(Self)
    }
}

/// Takes any JSON, and a `T` out of the text that is one.
struct Anything<T>(PhantomData<T>);

impl<'de, T: Text> Visitor<'de> for Anything<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property")
    }

    fn visit_str<E>(self, text: &str) -> Result<Option<T>, E> {
        Ok(T::read(text))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Option<T>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Option<T>, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl Text for i64 {
    const TYPE: EdmType = EdmType::Int64;

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Text for Bytes {
    const TYPE: EdmType = EdmType::Binary;

    fn read(text: &str) -> Option<Self> {
        binary(text).map(Self::from)
    }
}

impl Text for WriteStamp {
    const TYPE: EdmType = EdmType::Binary;

    fn read(text: &str) -> Option<Self> {
        // One with more digits would not fit; one with fewer is none.
        let mut bytes = [0; Self::LEN];
        if STANDARD.decoded_length(text.as_bytes()).ok()? != Self::LEN {
            return None;
        }
        STANDARD.decode(text.as_bytes(), Out::from_slice(&mut bytes)).ok()?;
        Some(Self::from_bytes(&bytes))
    }
}

impl Text for Register {
    const TYPE: EdmType = EdmType::Binary;

    fn read(text: &str) -> Option<Self> {
        let bytes = binary(text).filter(|bytes| !bytes.is_empty() && bytes.len() % APPLIED == 0)?;
        let history = bytes.chunks_exact(APPLIED).map(|entry| {
            let stamp = std::array::from_fn(|at| entry[at]);
            let result = std::array::from_fn(|at| entry[WriteStamp::LEN + at]);
            Applied { stamp: WriteStamp::from_bytes(&stamp), result: i64::from_be_bytes(result) }
        });
        Some(Self::from_history(history.collect()))
    }
}

/// The bytes of a register, oldest first.
pub(crate) fn history(register: &Register) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(register.history().len() * APPLIED);
    for applied in register.history() {
        bytes.extend(applied.stamp.to_bytes());
        bytes.extend(applied.result.to_be_bytes());
    }
    bytes
}

/// A value: as long as its content and no longer, so that it becomes one as it is.
fn binary(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode_to_vec(text).ok()
}

#[cfg(test)]
mod tests {
    use larder_core::Timestamp;
    use larder_core::record::WriteId;
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_of_every_length_survive_their_text() {
        for length in [0, 1, 2, 3, 4, 23, 24, 25, 1_023, 1_024, 1_025, 24_576] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            let text = json!(STANDARD.encode_to_string(&bytes)).to_string();
            let property: Property<Bytes> = serde_json::from_str(&text).expect("a property");
            assert_eq!(property.typed(Some(EdmType::Binary)).expect("bytes"), bytes, "{length}");
        }
    }

    #[test]
    fn text_that_is_no_base64_is_none() {
        for text in ["A", "AA", "AAA", "AA==A", "=", "====", "A===", "AAAA=", "AA-_", "AAAA\n", "AB==", "é"]
        {
            assert_eq!(Bytes::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_of_every_width_survives_its_text() {
        for number in [0, 1, -1, 9, 10, 1_767_225_600_123, i64::MAX, i64::MIN] {
            let property: Property<i64> = serde_json::from_str(&format!("\"{number}\"")).expect("a property");
            assert_eq!(property.typed(Some(EdmType::Int64)), Some(number));
        }
        for text in ["", "-", "1.0", " 1", "9223372036854775808"] {
            assert_eq!(<i64 as Text>::read(text), None, "{text}");
        }
    }

    #[test]
    fn anything_may_stand_there() {
        for json in
            [json!(null), json!(true), json!(1), json!(-1), json!(1.5), json!(u64::MAX), json!([1, [2]])]
        {
            let property: Property<i64> = serde_json::from_value(json.clone()).expect("a property");
            assert_eq!(property.typed(Some(EdmType::Int64)), None, "{json}");
        }
        let property: Property<i64> =
            serde_json::from_str(r#"{"a": {"b": [1, "2"]}, "c": null}"#).expect("a property");
        assert_eq!(property.as_typed(Some(EdmType::Int64)), None);
    }

    #[test]
    fn only_what_says_its_type_has_it() {
        let property = || serde_json::from_str::<Property<i64>>("\"1\"").expect("a property");
        assert_eq!(property().as_typed(Some(EdmType::Int64)), Some(&1));
        for other in [None, Some(EdmType::Binary), Some(EdmType::Other)] {
            assert_eq!(property().typed(other), None, "{other:?}");
        }
        for (text, edm) in
            [("Edm.Binary", EdmType::Binary), ("Edm.Int64", EdmType::Int64), ("Edm.Guid", EdmType::Other)]
        {
            assert_eq!(serde_json::from_value::<EdmType>(json!(text)).expect("a type"), edm);
        }
    }

    #[test]
    fn a_stamp_and_a_register_have_their_length() {
        let stamp = WriteStamp { id: WriteId::random(), at: Timestamp::from_millis(7) };
        let text = STANDARD.encode_to_string(stamp.to_bytes());
        assert_eq!(WriteStamp::read(&text), Some(stamp));
        for other in [&text[..28], "", &format!("{text}AAAA")] {
            assert_eq!(WriteStamp::read(other), None, "{other}");
        }
        let register =
            Register::from_history((0..8).map(|result| Applied { stamp, result: result - 4 }).collect());
        let bytes = history(&register);
        assert_eq!(Register::read(&STANDARD.encode_to_string(&bytes)), Some(register));
        for other in [&bytes[1..], &bytes[..31], &[]] {
            assert_eq!(Register::read(&STANDARD.encode_to_string(other)), None, "{}", other.len());
        }
    }
}
