//! Many entries in one call.

use bytes::Bytes;
use napi::Result;
use napi::bindgen_prelude::{Env, PromiseRaw};
use napi_derive::napi;

use crate::cancel::Cancel;
use crate::packed::{Packed, Place, Values};
use crate::run::promised;
use crate::store::Store;
use crate::write::duration;

#[napi]
impl Store {
    /// Reads many keys: an entry, null or an error for each.
    #[napi]
    pub fn get_many<'env>(
        &self,
        env: &'env Env,
        keys: Vec<String>,
        cancel: Option<&Cancel>,
    ) -> Result<PromiseRaw<'env, Packed>> {
        let kv = self.kv()?;
        let traffic = self.traffic();
        let work = async move {
            let mut values = Values::default();
            let found = kv.get_many(&keys).await?.into_iter().map(|found| match found {
                Ok(Some(entry)) => {
                    traffic.entry(entry.value().len());
                    values.entry(&entry)
                }
                Ok(None) => {
                    traffic.entry(0);
                    Place::Absent(())
                }
                Err(error) => Place::failed(&error),
            });
            let places: Vec<_> = found.collect();
            values.pack(&places, None)
        };
        promised(env, cancel, work, |_, packed| Ok(packed))
    }

    /// Stores many values, which stand one behind the other: a version or an error for each.
    #[napi]
    pub fn put_many<'env>(
        &self,
        env: &'env Env,
        keys: Vec<String>,
        values: &[u8],
        lengths: Vec<u32>,
        ttl_ms: Option<f64>,
        cancel: Option<&Cancel>,
    ) -> Result<PromiseRaw<'env, Packed>> {
        let kv = self.kv()?;
        let traffic = self.traffic();
        let mut rest = Bytes::copy_from_slice(values);
        let values = lengths.into_iter().map(|length| {
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
            traffic.entry(length);
            rest.split_to(length)
        });
        let entries: Vec<_> = keys.into_iter().zip(values).collect();
        let work = async move {
            let stored =
                kv.put_many(entries, ttl_ms.map(duration)).await?.into_iter().map(|stored| match stored {
                    Ok(version) => Place::Version(version.to_string()),
                    Err(error) => Place::failed(&error),
                });
            Values::default().pack(&stored.collect::<Vec<_>>(), None)
        };
        promised(env, cancel, work, |_, packed| Ok(packed))
    }

    /// Makes many keys absent: null or an error for each.
    #[napi]
    pub fn delete_many<'env>(
        &self,
        env: &'env Env,
        keys: Vec<String>,
        cancel: Option<&Cancel>,
    ) -> Result<PromiseRaw<'env, Packed>> {
        let kv = self.kv()?;
        let traffic = self.traffic();
        keys.iter().for_each(|_| traffic.entry(0));
        let work = async move {
            let deleted = kv.delete_many(&keys).await?.into_iter().map(|deleted| match deleted {
                Ok(()) => Place::Absent(()),
                Err(error) => Place::failed(&error),
            });
            Values::default().pack(&deleted.collect::<Vec<_>>(), None)
        };
        promised(env, cancel, work, |_, packed| Ok(packed))
    }
}
