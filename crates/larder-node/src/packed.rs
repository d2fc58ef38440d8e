//! Many entries in one crossing of the boundary: their facts as one text of JSON, their values one behind the other.

use std::fmt;

use larder::{Entry, EntryInfo, Error, ErrorKind};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use serde::Serialize;

use crate::failure::Failure;

/// What a call about many entries gives.
#[napi(object, object_from_js = false)]
pub struct Packed {
    /// The facts, as JSON.
    pub facts: String,
    /// The values, in the order of the facts that have a length.
    pub values: Uint8Array,
}

impl fmt::Debug for Packed {
    /// Without keys and values (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packed").field("bytes", &self.values.len()).finish_non_exhaustive()
    }
}

/// An entry's facts. A list: names would be repeated for each.
#[derive(Serialize)]
pub(crate) struct Facts(String, String, Option<u64>, usize);

/// What stands in a place: an entry, nothing, or an error.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Place {
    Entry(Facts),
    Absent(()),
    Version(String),
    Failed(Failure),
}

/// The values that have been packed so far.
#[derive(Default)]
pub(crate) struct Values(Vec<u8>);

impl Values {
    pub(crate) fn entry(&mut self, entry: &Entry) -> Place {
        self.0.extend_from_slice(entry.value());
        Place::Entry(facts(entry.info(), entry.value().len()))
    }

    /// Puts the facts beside the values.
    pub(crate) fn pack(self, facts: &impl Serialize) -> larder::Result<Packed> {
        let facts = serde_json::to_string(facts).map_err(|_| {
            Error::new(ErrorKind::Internal, "the facts of entries could not be written as JSON")
        })?;
        Ok(Packed { facts, values: Uint8Array::new(self.0) })
    }
}

impl Place {
    pub(crate) fn info(info: &EntryInfo) -> Self {
        Self::Entry(facts(info, 0))
    }

    pub(crate) fn failed(error: &Error) -> Self {
        Self::Failed(Failure::of(error))
    }
}

/// The lifetime that remains, in whole milliseconds.
pub(crate) fn millis(info: &EntryInfo) -> Option<u64> {
    info.ttl().map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))
}

fn facts(info: &EntryInfo, length: usize) -> Facts {
    Facts(info.key().to_owned(), info.version().to_string(), millis(info), length)
}
