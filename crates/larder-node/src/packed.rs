//! Many entries in one crossing of the boundary: their facts as texts of JSON, their values one behind the other.

use std::collections::VecDeque;
use std::fmt;
use std::mem::take;

use larder::{Entry, EntryInfo, Error, ErrorKind};
use napi::Result;
use napi::bindgen_prelude::{Env, Uint8ArraySlice, spawn};
use napi_derive::napi;
use serde::Serialize;

use crate::failure::{Failure, thrown};
use crate::run::give_back_later;

/// More memory than this is not given back on JavaScript's thread: the system takes it page by page.
const LARGE_BYTES: usize = 64 * 1024;

/// As many facts are in one text: parsing it takes a tenth of a millisecond.
const FACTS_IN_TEXT: usize = 128;

/// What a call about many entries gives.
///
/// The values are no array of JavaScript's. The engine would keep it until it next collects, and then give back all that
/// has come together in one go, while the event loop stands still.
#[napi]
pub struct Packed {
    facts: VecDeque<String>,
    cursor: Option<String>,
    values: Vec<u8>,
    taken: usize,
}

#[napi]
impl Packed {
    /// The next facts, a list as JSON; nothing behind the last ones.
    #[napi]
    pub fn take_facts(&mut self) -> Option<String> {
        self.facts.pop_front()
    }

    /// Where the next page begins.
    #[napi]
    pub fn take_cursor(&mut self) -> Option<String> {
        self.cursor.take()
    }

    /// The next value, which has this length: values come in the order of the facts that have one.
    #[napi]
    pub fn take_value<'env>(&mut self, env: &'env Env, length: u32) -> Result<Uint8ArraySlice<'env>> {
        let end = usize::try_from(length).ok().and_then(|length| self.taken.checked_add(length));
        let value = end.and_then(|end| self.values.get(self.taken..end));
        let value = value
            .ok_or_else(|| thrown(&Error::new(ErrorKind::Internal, "a value is longer than all are")))?;
        let copy = Uint8ArraySlice::copy_from(env, value)?;
        self.taken += value.len();
        if self.taken == self.values.len() {
            self.let_go();
        }
        Ok(copy)
    }

    fn let_go(&mut self) {
        self.taken = 0;
        let values = take(&mut self.values);
        if values.capacity() > LARGE_BYTES {
            spawn(async move {
                drop(values);
                give_back_later();
            });
        }
    }
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

    /// Puts the facts beside the values, and for a page where the next one begins.
    pub(crate) fn pack(self, places: &[Place], cursor: Option<String>) -> larder::Result<Packed> {
        let facts =
            places.chunks(FACTS_IN_TEXT).map(serde_json::to_string).collect::<serde_json::Result<_>>();
        let facts = facts.map_err(|_| {
            Error::new(ErrorKind::Internal, "the facts of entries could not be written as JSON")
        })?;
        Ok(Packed { facts, cursor, values: self.0, taken: 0 })
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
