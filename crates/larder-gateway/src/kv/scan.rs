//! `GET /v1/kv/{binding}/scan`: a page of the entries under a prefix.

#![expect(unused_qualifications, reason = "the code that utoipa makes of params(…)")]

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use larder::{Cursor, Entry, Page, ScanOptions};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::SCAN;
use super::asked::asks_only_for;
use super::item::{Item, Scanned, Values};
use super::lines::{self, line};
use crate::aside::aside;
use crate::caller::Caller;
use crate::extract::Query;
use crate::gateway::Gateway;
use crate::permission::Permission;
use crate::problem::{Problem, Refusals};

/// Which entries, and how many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Scan {
    /// The prefix of the keys; the empty one, which is that of all, unless told.
    #[serde(default)]
    #[param(max_length = 512)]
    prefix: String,
    /// Where to go on: the `cursor` of the page before, which was of the same prefix.
    cursor: Option<String>,
    /// The most entries of the page; 100 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// How values are shown; `base64` unless told.
    #[serde(default)]
    #[param(inline)]
    values: Values,
}

/// A page of entries, in the order of their keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScanPage {
    /// The entries.
    items: Vec<Scanned>,
    /// Where to go on; null at the end.
    #[schema(required)]
    cursor: Option<String>,
}

/// The last line of a page in lines: one without it was cut off on the way.
#[derive(Serialize)]
struct End<'a> {
    complete: bool,
    entries: usize,
    failed: usize,
    cursor: Option<&'a str>,
}

/// Lists the entries under a prefix, a page at a time.
///
/// A page may have fewer entries than the limit, and even none, and still a cursor: the scan is at its end when `cursor`
/// is null. A record that cannot be decoded is an item with `error`.
///
/// With `Accept: application/x-ndjson` the answer has a line for each item, and at last
/// `{"complete":true,"entries":…,"failed":…,"cursor":…}`, so that a reader does not need to parse all of a large page at
/// once. One without that line was cut off on the way.
#[utoipa::path(
    get,
    path = "/v1/kv/{binding}/scan",
    tag = "kv",
    operation_id = "scan",
    params(("binding" = String, Path, description = "The binding."), Scan),
    responses(
        (status = 200, description = "The page.", content(
            (ScanPage = "application/json"),
            (String = "application/x-ndjson"),
        )),
        Refusals,
    )
)]
pub(super) async fn scan(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    Query(scan): Query<Scan>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let refused = |error| Problem::from(error).about(SCAN);
    let mut options = ScanOptions::new();
    if let Some(limit) = scan.limit {
        options = options.limit(limit);
    }
    if let Some(cursor) = scan.cursor {
        options = options.cursor(cursor.parse::<Cursor>().map_err(refused)?);
    }
    let kv = caller.open(&gateway, &binding, Permission::Scan).await?;
    let in_lines = asks_only_for(lines::TYPE, &headers);
    match scan.values {
        Values::None => {
            let page = kv.scan_keys_page(&scan.prefix, options).await.map_err(refused)?;
            ScanPage::of(page, |info| Ok(Item::of_key(&info)))?.answer(in_lines)
        }
        values => {
            let page = kv.scan_page(&scan.prefix, options).await.map_err(refused)?;
            let bytes = page.items.iter().flatten().map(|entry| entry.value().len()).sum();
            let show = move |entry: Entry| Item::of(&entry, values);
            aside(bytes, move || ScanPage::of(page, show)?.answer(in_lines)).await
        }
    }
}

impl ScanPage {
    fn of<T>(page: Page<T>, show: impl Fn(T) -> Result<Item, Problem>) -> Result<Self, Problem> {
        let items = page.items.into_iter().map(|item| Scanned::of(item, &show)).collect::<Result<_, _>>()?;
        Ok(Self { items, cursor: page.cursor.map(|cursor| cursor.to_string()) })
    }

    fn answer(self, in_lines: bool) -> Result<Response, Problem> {
        let varying = [(VARY, "Accept")];
        if in_lines {
            return Ok((varying, [(CONTENT_TYPE, lines::TYPE)], self.in_lines()?).into_response());
        }
        Ok((varying, Json(self)).into_response())
    }

    fn in_lines(&self) -> Result<Vec<u8>, Problem> {
        let mut body = Vec::new();
        for item in &self.items {
            body.append(&mut line(item)?);
        }
        let failed = self.items.iter().filter(|item| matches!(item, Scanned::Failed(_))).count();
        let entries = self.items.len() - failed;
        // What keeps a page from being read has a status.
        let end = End { complete: true, entries, failed, cursor: self.cursor.as_deref() };
        body.append(&mut line(&end)?);
        Ok(body)
    }
}
