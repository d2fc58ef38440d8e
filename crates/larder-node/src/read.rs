//! Reading one entry.

use std::fmt;

use bytes::Bytes;
use larder::Entry;
use napi::bindgen_prelude::{Env, Null, Uint8ArraySlice};
use napi::{Either, Result};
use napi_derive::napi;

use crate::cancel::Cancel;
use crate::packed::millis;
use crate::run::{Soon, at_hand};
use crate::store::Store;

/// An entry, or what is known of it.
#[napi(object, object_from_js = false)]
pub struct Found<'env> {
    /// The value.
    pub value: Uint8ArraySlice<'env>,
    /// The version.
    pub version: String,
    /// The lifetime that remains, in milliseconds; not there for an entry that stays.
    pub ttl_ms: Option<f64>,
}

impl fmt::Debug for Found<'_> {
    /// Without the value (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found").field("ttl_ms", &self.ttl_ms).finish_non_exhaustive()
    }
}

#[napi]
impl Store {
    /// A value; null if there is none.
    #[napi]
    pub fn get<'env>(
        &self,
        env: &'env Env,
        key: String,
        cancel: Option<&Cancel>,
    ) -> Result<Soon<'env, Either<Uint8ArraySlice<'env>, Null>>> {
        let kv = self.kv()?;
        let reading = self.reading(&key);
        let work = async move { kv.get(&key).await };
        let bytes = |found: &Option<Bytes>| Some(found.as_ref().map_or(0, Bytes::len));
        at_hand(env, cancel, reading, work, bytes, |env, value| match value {
            // Copied into memory of the engine's own: for values of this size that is cheaper than keeping track of ours.
            Some(value) => Uint8ArraySlice::copy_from(env, &value).map(Either::A),
            None => Ok(Either::B(Null)),
        })
    }

    /// An entry; null if there is none.
    #[napi]
    pub fn entry<'env>(
        &self,
        env: &'env Env,
        key: String,
        cancel: Option<&Cancel>,
    ) -> Result<Soon<'env, Either<Found<'env>, Null>>> {
        let kv = self.kv()?;
        let reading = self.reading(&key);
        let work = async move { kv.get_entry(&key).await };
        let bytes = |found: &Option<Entry>| Some(found.as_ref().map_or(0, |entry| entry.value().len()));
        at_hand(env, cancel, reading, work, bytes, |env, entry| match entry {
            Some(entry) => found(env, &entry).map(Either::A),
            None => Ok(Either::B(Null)),
        })
    }

    /// Whether there is an entry.
    #[napi]
    pub fn exists<'env>(
        &self,
        env: &'env Env,
        key: String,
        cancel: Option<&Cancel>,
    ) -> Result<Soon<'env, bool>> {
        let kv = self.kv()?;
        let reading = self.reading(&key);
        let work = async move { kv.exists(&key).await };
        // How long a value is that is there, it does not say, and the store has read it all the same.
        let bytes = |is_there: &bool| if *is_there { None } else { Some(0) };
        at_hand(env, cancel, reading, work, bytes, |_, is_there| Ok(is_there))
    }
}

fn found<'env>(env: &Env, entry: &Entry) -> Result<Found<'env>> {
    Ok(Found {
        value: Uint8ArraySlice::copy_from(env, entry.value())?,
        version: entry.version().to_string(),
        // Exact: no lifetime has as many milliseconds as a number cannot hold.
        ttl_ms: millis(entry.info()).map(|millis| millis as f64),
    })
}
