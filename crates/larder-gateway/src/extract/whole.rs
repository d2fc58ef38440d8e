//! Whole numbers in JSON, however they are written: JSON does not tell 1 from 1.0.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};

/// A number of 64 bits.
pub(crate) fn signed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = deserializer.deserialize_any(Number { expected: "a whole number within 64 bits" })?;
    number
        .and_then(|number| i64::try_from(number).ok())
        .ok_or_else(|| Error::invalid_value(Unexpected::Other("number"), &"a whole number within 64 bits"))
}

/// A number of 0 or more, or null.
pub(crate) fn unsigned<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let expected = "a whole number, 0 or more";
    let number = deserializer.deserialize_any(Number { expected })?;
    number
        .map(|number| {
            u64::try_from(number).map_err(|_| Error::invalid_value(Unexpected::Other("number"), &expected))
        })
        .transpose()
}

struct Number {
    expected: &'static str,
}

impl Visitor<'_> for Number {
    type Value = Option<i128>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_unit<E>(self) -> Result<Option<i128>, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Option<i128>, E> {
        Ok(Some(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Option<i128>, E> {
        Ok(Some(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<i128>, E> {
        // Past this a float may stand for an integer that was written otherwise, as one just out of range does.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if number.fract() == 0.0 && number.abs() < EXACT {
            return Ok(Some(number as i128));
        }
        Err(Error::invalid_value(Unexpected::Float(number), &self))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Deserializer;

    #[test]
    fn numbers_are_what_they_amount_to() {
        let signed = |text: &str| super::signed(&mut Deserializer::from_str(text)).ok();
        assert_eq!(signed("1.0"), Some(1));
        assert_eq!(signed("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(signed("1e3"), Some(1_000));
        for text in ["0.5", "9223372036854775808", "-9223372036854775809", "1e30", "null", "\"1\"", "true"] {
            assert_eq!(signed(text), None, "{text}");
        }
        let unsigned = |text: &str| super::unsigned(&mut Deserializer::from_str(text)).ok();
        assert_eq!(unsigned("2.0"), Some(Some(2)));
        assert_eq!(unsigned("null"), Some(None));
        for text in ["-1", "0.5", "1e30", "\"1\""] {
            assert_eq!(unsigned(text), None, "{text}");
        }
    }
}
