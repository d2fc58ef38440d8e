//! Scans, a page in one crossing of the boundary.

use larder::{Cursor, Page, ScanOptions};
use napi::Result;
use napi::bindgen_prelude::{Env, PromiseRaw};
use napi_derive::napi;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::failure::thrown;
use crate::packed::{Packed, Place, Values};
use crate::run::promised;
use crate::store::Store;

/// The facts of a page.
#[derive(Serialize)]
struct Scanned {
    items: Vec<Place>,
    cursor: Option<String>,
}

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
        let work = async move {
            let page = kv.scan_page(&prefix, options).await?;
            let mut values = Values::default();
            let facts = scanned(page, |entry| values.entry(&entry));
            values.pack(&facts)
        };
        promised(env, cancel, work, |_, packed| Ok(packed))
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
        let work = async move {
            let page = kv.scan_keys_page(&prefix, options).await?;
            Values::default().pack(&scanned(page, |info| Place::info(&info)))
        };
        promised(env, cancel, work, |_, packed| Ok(packed))
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

fn scanned<T>(page: Page<T>, mut show: impl FnMut(T) -> Place) -> Scanned {
    let items = page.items.into_iter().map(|item| match item {
        Ok(entry) => show(entry),
        Err(error) => Place::failed(&error),
    });
    Scanned { items: items.collect(), cursor: page.cursor.map(|cursor| cursor.to_string()) }
}
