//! Values in JSON documents.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::problem::{Code, Problem};

/// How the value stands in a document, where it is not JSON itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// A string of base64, with padding.
    Base64,
}

/// A value as it stands in a document. Not `Debug`, like everything that holds values (E2).
pub(crate) struct Shown {
    pub(crate) value: Box<RawValue>,
    pub(crate) encoding: Option<Encoding>,
}

/// A value that is JSON as it is, every other as base64.
pub(crate) fn json_or_base64(bytes: &[u8]) -> Result<Shown, Problem> {
    match as_json(bytes) {
        Some(value) => Ok(Shown { value, encoding: None }),
        None => base64(bytes),
    }
}

/// A value as base64, whatever it is.
pub(crate) fn base64(bytes: &[u8]) -> Result<Shown, Problem> {
    let text = format!("\"{}\"", STANDARD.encode(bytes));
    let value = RawValue::from_string(text).map_err(|error| {
        tracing::error!(%error, "base64 in quotes is no JSON");
        Problem::new(Code::Internal, "the gateway has a defect")
    })?;
    Ok(Shown { value, encoding: Some(Encoding::Base64) })
}

/// Reads base64 with padding.
pub(crate) fn from_base64(text: &str) -> Option<Bytes> {
    STANDARD.decode(text).ok().map(Bytes::from)
}

/// The value, if it is JSON: its very text, so that no number loses a digit and no object its order.
pub(crate) fn as_json(bytes: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice(bytes).ok()
}

/// A moment as RFC 3339, to the millisecond.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    humantime::format_rfc3339_millis(moment).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_as_it_is_and_bytes_become_base64() {
        for text in ["{\"b\":1,\"a\":12345678901234567890.10}", "null", "42", "\"\"", "[1, 2]"] {
            let shown = json_or_base64(text.as_bytes()).expect("shown");
            assert_eq!((shown.value.get(), shown.encoding), (text, None));
        }
        for (bytes, text) in [(&b"hello"[..], "\"aGVsbG8=\""), (b"", "\"\""), (b"\xff", "\"/w==\"")] {
            let shown = json_or_base64(bytes).expect("shown");
            assert_eq!((shown.value.get(), shown.encoding), (text, Some(Encoding::Base64)));
        }
    }
}
