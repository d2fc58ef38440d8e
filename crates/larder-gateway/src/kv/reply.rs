//! What answers say of entries: headers, and bodies of writes.

use std::fmt::Write;

use axum::Json;
use axum::http::header::{ETAG, HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use larder::{EntryInfo, Seen, Version};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::headers::{insert, millis};
use crate::problem::{Code, Problem};

/// The lifetime that remained when the entry was read, in milliseconds; not there for one that stays.
pub(crate) const TTL: HeaderName = HeaderName::from_static("larder-ttl-millis");

/// As many headers as an answer with an entry has, and some: a map that has to grow puts all of them elsewhere.
const USUAL_HEADERS: usize = 10;
/// As long as the tag of a version is nearly always.
const USUAL_TAG: usize = 112;

/// What was written.
#[derive(Serialize, ToSchema)]
pub(crate) struct Written {
    /// The key.
    pub(crate) key: String,
    /// The entry's new version: the `ETag` without its quotes.
    pub(crate) version: String,
}

/// The answer to a write of one entry.
pub(crate) fn written(key: String, version: &Version) -> Response {
    let mut headers = HeaderMap::new();
    tag(&mut headers, version);
    (headers, Json(Written { key, version: version.to_string() })).into_response()
}

/// The headers that tell an entry's version and lifetime.
pub(crate) fn headers(entry: &EntryInfo) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(USUAL_HEADERS);
    tag(&mut headers, entry.version());
    if let Some(ttl) = entry.ttl() {
        insert(&mut headers, TTL, &millis(ttl).to_string());
    }
    headers
}

/// Sets the tag of a version.
fn tag(headers: &mut HeaderMap, version: &Version) {
    // In one piece: it is put together of three.
    let mut tag = String::with_capacity(USUAL_TAG);
    if write!(tag, "\"{version}\"").is_ok() {
        insert(headers, ETAG, &tag);
    }
}

/// The answer to a write whose condition did not hold: with what was seen of the entry, but for its value.
pub(crate) fn condition_failed(seen: &Seen) -> Problem {
    let problem = Problem::new(Code::PreconditionFailed, "the condition did not hold, and nothing changed");
    match seen {
        Seen::Entry(entry) => problem.with_headers(headers(entry.info())).with_details(json!({
            "seen": "entry",
            "version": entry.version().to_string(),
            "ttlMillis": entry.ttl().map(millis),
        })),
        Seen::Absent => problem.with_details(json!({ "seen": "absent" })),
        Seen::NotShown => problem.with_details(json!({ "seen": "not_shown" })),
    }
}
