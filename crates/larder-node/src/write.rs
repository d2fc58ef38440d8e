//! Writing one entry.

use std::time::Duration;

use bytes::Bytes;
use larder::{Error, ErrorKind, PutOptions, TouchOptions, TouchOutcome, Version};
use napi::Result;
use napi::bindgen_prelude::{Env, PromiseRaw};
use napi_derive::napi;

use crate::cancel::Cancel;
use crate::failure::thrown;
use crate::run::promised;
use crate::store::Store;

/// What a touch came to.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct Touched {
    /// The new version, if the entry has the lifetime now.
    pub version: Option<String>,
    /// Whether there was an entry.
    pub is_there: bool,
}

#[napi]
impl Store {
    /// Stores a value; the new version, or null if the condition did not hold.
    ///
    /// `if_version` is the version that the entry must have, or empty where it must be absent.
    #[napi]
    pub fn put<'env>(
        &self,
        env: &'env Env,
        key: String,
        value: &[u8],
        ttl_ms: Option<f64>,
        if_version: Option<String>,
        cancel: Option<&Cancel>,
    ) -> Result<PromiseRaw<'env, Option<String>>> {
        let kv = self.kv()?;
        self.traffic().entry(value.len());
        let value = Bytes::copy_from_slice(value);
        let mut options = PutOptions::new();
        options.ttl = ttl_ms.map(duration);
        options = match if_version.as_deref() {
            None => options,
            Some("") => options.if_not_exists(),
            Some(text) => options.if_version(version(text)?),
        };
        let work = async move { kv.put(&key, value, options).await };
        promised(env, cancel, work, |_, outcome| {
            Ok(outcome.into_version().map(|version| version.to_string()))
        })
    }

    /// Makes a key absent; false if the condition did not hold.
    #[napi]
    pub fn delete<'env>(
        &self,
        env: &'env Env,
        key: String,
        if_version: Option<String>,
        cancel: Option<&Cancel>,
    ) -> Result<PromiseRaw<'env, bool>> {
        let kv = self.kv()?;
        self.traffic().entry(0);
        let expected = if_version.as_deref().map(version).transpose()?;
        let work = async move {
            match expected {
                None => kv.delete(&key).await.map(|()| true),
                Some(version) => {
                    kv.delete_if_version(&key, version).await.map(|outcome| outcome.is_deleted())
                }
            }
        };
        promised(env, cancel, work, |_, is_absent| Ok(is_absent))
    }

    /// Gives an entry another lifetime, or lets it stay.
    #[napi]
    pub fn touch<'env>(
        &self,
        env: &'env Env,
        key: String,
        ttl_ms: Option<f64>,
        if_version: Option<String>,
        cancel: Option<&Cancel>,
    ) -> Result<PromiseRaw<'env, Touched>> {
        let kv = self.kv()?;
        // It is written with its value.
        self.traffic().entry_of_any_length();
        let mut options = TouchOptions::persist();
        options.ttl = ttl_ms.map(duration);
        options.version = if_version.as_deref().map(version).transpose()?;
        let work = async move { kv.touch(&key, options).await };
        promised(env, cancel, work, |_, outcome| {
            Ok(match outcome {
                TouchOutcome::Touched(version) => {
                    Touched { version: Some(version.to_string()), is_there: true }
                }
                TouchOutcome::Absent => Touched { version: None, is_there: false },
                TouchOutcome::ConditionFailed(_) => Touched { version: None, is_there: true },
            })
        })
    }

    /// Adds to a counter; the sum, as text, since a number of JavaScript does not hold all of them.
    #[napi]
    pub fn increment<'env>(
        &self,
        env: &'env Env,
        key: String,
        delta: String,
        ttl_ms: Option<f64>,
        cancel: Option<&Cancel>,
    ) -> Result<PromiseRaw<'env, String>> {
        let kv = self.kv()?;
        let delta: i64 = delta.parse().map_err(|_| {
            thrown(&Error::new(ErrorKind::InvalidInput, "the delta is no whole number of 64 bits"))
        })?;
        self.traffic().entry(0);
        let work = async move { kv.increment(&key, delta, ttl_ms.map(duration)).await };
        promised(env, cancel, work, |_, sum| Ok(sum.to_string()))
    }
}

/// A whole number of milliseconds, which was checked.
pub(crate) fn duration(millis: f64) -> Duration {
    Duration::from_millis(millis as u64)
}

fn version(text: &str) -> Result<Version> {
    text.parse().map_err(|error| thrown(&error))
}
