//! The lines of an export.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use larder::Timestamp;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash64;

use crate::moving::entry::Carried;

/// The version of the form. A reader refuses a newer one.
pub(crate) const FORMAT: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    /// Always `export`.
    pub(crate) larder: String,
    pub(crate) format: u32,
    /// What all keys begin with.
    pub(crate) prefix: String,
}

/// The line of an entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryLine<'a> {
    key: Cow<'a, str>,
    /// A value that is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    text: Option<Cow<'a, str>>,
    /// Any other value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    base64: Option<String>,
    /// When the entry expires, in milliseconds since 1970; not there for never.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    expires: Option<u64>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    /// How many entries there are.
    pub(crate) entries: u64,
}

impl<'a> EntryLine<'a> {
    pub(crate) fn of(entry: &'a Carried) -> Self {
        let (text, base64) = match std::str::from_utf8(&entry.value) {
            Ok(text) => (Some(text.into()), None),
            Err(_) => (None, Some(STANDARD.encode(&entry.value))),
        };
        let expires = entry.expires_at.map(Timestamp::as_millis);
        Self { key: entry.key.as_str().into(), text, base64, expires }
    }

    /// The entry; nothing when it has no value, or two.
    pub(crate) fn entry(self) -> Option<Carried> {
        let value = match (self.text, self.base64) {
            (Some(text), None) => Bytes::from(text.into_owned()),
            (None, Some(base64)) => Bytes::from(STANDARD.decode(base64).ok()?),
            _ => return None,
        };
        let expires_at = self.expires.map(Timestamp::from_millis);
        Some(Carried { key: self.key.into_owned(), value, expires_at })
    }
}

/// The checksum of a line, given that of the line before it: XXH64 with that one as its seed, and 0 for the first line.
pub(crate) fn checksum(before: u64, body: &str) -> u64 {
    XxHash64::oneshot(before, body.as_bytes())
}

/// Puts the checksum at the end of an object: `{"a":1}` becomes `{"a":1,"sum":"0123456789abcdef"}`.
pub(crate) fn sealed(json: &str, before: u64) -> (String, u64) {
    let body = json.strip_suffix('}').unwrap_or(json);
    let sum = checksum(before, body);
    (format!("{body},\"sum\":\"{sum:016x}\"}}"), sum)
}

/// The object in a line, and the checksum that the line has; nothing if there is none at its end.
pub(crate) fn opened(line: &str) -> Option<(&str, u64)> {
    const SEAL: usize = r#","sum":"0123456789abcdef"}"#.len();
    let (body, seal) = line.split_at_checked(line.len().checked_sub(SEAL)?)?;
    let sum = seal.strip_prefix(r#","sum":""#)?.strip_suffix(r#""}"#)?;
    let is_hex = sum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u64::from_str_radix(sum, 16).ok().map(|sum| (body, sum))).flatten()
}
