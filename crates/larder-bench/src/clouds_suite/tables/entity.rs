//! Rows with the properties of Larder's layout.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use larder_core::hash::xxh64;
use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::clouds_suite::entries::{expiry, now};

pub(super) const SHARDS: u64 = 16;
const BINARY: &str = "Edm.Binary";
const INT64: &str = "Edm.Int64";
/// An entry of a counter's history: the stamp, then the sum.
const ENTRY: usize = 24 + 8;
/// How many increments a counter remembers.
const REMEMBERED: usize = 8;

pub(super) fn partition(shard: u64) -> String {
    format!("{shard:02X}")
}

pub(super) fn shard(key: &str) -> u64 {
    xxh64(key.as_bytes()) % SHARDS
}

/// A row as it is sent.
#[derive(Serialize)]
pub(super) struct Entity<'a> {
    #[serde(rename = "PartitionKey")]
    partition: String,
    #[serde(rename = "RowKey")]
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    v: Option<String>,
    #[serde(rename = "v@odata.type", skip_serializing_if = "Option::is_none")]
    v_type: Option<&'static str>,
    exp: String,
    #[serde(rename = "exp@odata.type")]
    exp_type: &'static str,
    w: String,
    #[serde(rename = "w@odata.type")]
    w_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    h: Option<String>,
    #[serde(rename = "h@odata.type", skip_serializing_if = "Option::is_none")]
    h_type: Option<&'static str>,
}

impl<'a> Entity<'a> {
    pub(super) fn put(key: &'a str, value: &[u8]) -> Self {
        Self { v: Some(STANDARD.encode(value)), v_type: Some(BINARY), ..Self::touch(key) }
    }

    /// What a touch changes.
    pub(super) fn touch(key: &'a str) -> Self {
        let now = now();
        Self::written(key, expiry(now), stamp(now))
    }

    /// A counter plus one, which remembers that in its last entry; and the sum.
    pub(super) fn increment(key: &'a str, counter: &Row) -> Outcome<(Self, i64)> {
        let number: i64 = std::str::from_utf8(&counter.value()?)?.parse()?;
        let sum = number.checked_add(1).ok_or("too great a number")?;
        let mut history = STANDARD.decode(counter.h.as_ref().ok_or("no history")?)?;
        if history.len() == REMEMBERED * ENTRY {
            history.drain(..ENTRY);
        }
        let stamp = stamp(now());
        history.extend(stamp);
        history.extend(sum.to_be_bytes());
        let entity = Self {
            v: Some(STANDARD.encode(sum.to_string())),
            v_type: Some(BINARY),
            h: Some(STANDARD.encode(history)),
            h_type: Some(BINARY),
            ..Self::written(key, counter.expiry()?, stamp)
        };
        Ok((entity, sum))
    }

    fn written(key: &'a str, expiry: u64, stamp: [u8; 24]) -> Self {
        Self {
            partition: partition(shard(key)),
            key,
            v: None,
            v_type: None,
            exp: expiry.to_string(),
            exp_type: INT64,
            w: STANDARD.encode(stamp),
            w_type: BINARY,
            h: None,
            h_type: None,
        }
    }
}

/// Which write it was, and when.
fn stamp(now: u64) -> [u8; 24] {
    let mut stamp = [0; 24];
    stamp[..16].copy_from_slice(&rand::random::<[u8; 16]>());
    stamp[16..].copy_from_slice(&now.to_be_bytes());
    stamp
}

/// A row as it comes back, as far as it is used.
#[derive(Deserialize)]
pub(super) struct Row {
    #[serde(rename = "RowKey")]
    pub(super) key: Option<String>,
    /// Of a row of a query; that of a single one is a header.
    #[serde(rename = "odata.etag")]
    pub(super) etag: Option<String>,
    v: Option<String>,
    exp: String,
    h: Option<String>,
}

impl Row {
    pub(super) fn value(&self) -> Outcome<Bytes> {
        Ok(STANDARD.decode(self.v.as_ref().ok_or("no value")?)?.into())
    }

    pub(super) fn is_live(&self, now: u64) -> Outcome<bool> {
        Ok(self.expiry()? > now)
    }

    pub(super) fn expiry(&self) -> Outcome<u64> {
        Ok(self.exp.parse()?)
    }
}
