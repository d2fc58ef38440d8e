//! Scans, a page in one crossing of the boundary.

use std::sync::Arc;

use larder::{Cursor, Page, ScanOptions};
use napi::Result;
use napi::bindgen_prelude::{Env, PromiseRaw};
use napi_derive::napi;

use crate::cancel::Cancel;
use crate::failure::thrown;
use crate::packed::{Packed, Place, Values};
use crate::run::promised;
use crate::store::Store;
use crate::traffic::Traffic;

#[napi]
impl Store {
    /// A page of entries.
    #[napi]
    pub fn page<'env>(
        &self,
        env: &'env Env,
        prefix: String,
        limit: Option<u32>,
        cursor: Option<String>,
        cancel: Option<&Cancel>,
    ) -> Result<PromiseRaw<'env, Packed>> {
        let kv = self.kv()?;
        let options = options(limit, cursor.as_deref())?;
        let page = async move { kv.scan_page(&prefix, options).await };
        packed(env, cancel, self.traffic(), page, |traffic, values, entry| {
            traffic.entry(entry.value().len());
            values.entry(&entry)
        })
    }

    /// A page of keys.
    #[napi]
    pub fn keys_page<'env>(
        &self,
        env: &'env Env,
        prefix: String,
        limit: Option<u32>,
        cursor: Option<String>,
        cancel: Option<&Cancel>,
    ) -> Result<PromiseRaw<'env, Packed>> {
        let kv = self.kv()?;
        let options = options(limit, cursor.as_deref())?;
        let page = async move { kv.scan_keys_page(&prefix, options).await };
        packed(env, cancel, self.traffic(), page, |traffic, _, info| {
            traffic.entry_of_any_length();
            Place::info(&info)
        })
    }
}

fn options(limit: Option<u32>, cursor: Option<&str>) -> Result<ScanOptions> {
    let cursor: Option<Cursor> =
        cursor.map(str::parse).transpose().map_err(|error: larder::Error| thrown(&error))?;
    let mut options = ScanOptions::new().cursor(cursor);
    if let Some(limit) = limit {
        // A number of 32 bits fits.
        options = options.limit(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(options)
}

/// Packs a page when it has been read.
fn packed<'env, T: 'static>(
    env: &'env Env,
    cancel: Option<&Cancel>,
    traffic: Arc<Traffic>,
    page: impl Future<Output = larder::Result<Page<T>>> + Send + 'static,
    show: fn(&Traffic, &mut Values, T) -> Place,
) -> Result<PromiseRaw<'env, Packed>> {
    let work = async move {
        let Page { items, cursor, .. } = page.await?;
        let mut values = Values::default();
        let items = items.into_iter().map(|item| match item {
            Ok(found) => show(&traffic, &mut values, found),
            Err(error) => Place::failed(&error),
        });
        let items: Vec<_> = items.collect();
        values.pack(&items, cursor.map(|cursor| cursor.to_string()))
    };
    promised(env, cancel, work, |_, packed| Ok(packed))
}
