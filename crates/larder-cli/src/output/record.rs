//! An entry as JSON.

use std::time::Duration;

use humantime::format_rfc3339_millis;
use larder::{Entry, EntryInfo};
use serde::Serialize;
use serde_json::value::RawValue;

use super::encoding::{Encoding, Form};
use crate::failure::Outcome;

/// An entry as JSON. Exactly one of `value`, `json` and `base64` is there, and none of a key alone.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EntryRecord<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl_millis: Option<u64>,
    version: String,
}

impl<'a> EntryRecord<'a> {
    pub(crate) fn of(entry: &'a Entry, encoding: Encoding) -> Outcome<Self> {
        let mut record = Self::of_key(entry.info());
        match encoding.form(entry.value())? {
            Form::Text(text) => record.value = Some(text),
            Form::Json(json) => record.json = Some(json),
            Form::Base64(base64) => record.base64 = Some(base64),
        }
        Ok(record)
    }

    pub(crate) fn of_key(info: &'a EntryInfo) -> Self {
        Self {
            key: info.key(),
            value: None,
            json: None,
            base64: None,
            expires_at: expiry(info),
            ttl_millis: info.ttl().map(millis),
            version: info.version().to_string(),
        }
    }

    pub(crate) fn version(&self) -> &str {
        &self.version
    }
}

/// When an entry expires, exact to the millisecond.
pub(crate) fn expiry(info: &EntryInfo) -> Option<String> {
    info.expires_at().map(|moment| format_rfc3339_millis(moment).to_string())
}

/// Whole milliseconds; no lifetime has more of them than fit.
pub(crate) fn millis(lifetime: Duration) -> u64 {
    u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX)
}
