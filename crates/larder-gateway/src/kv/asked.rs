//! What a reader says of the answer that it wants: `If-None-Match` and `Accept`.

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use larder::Version;

use crate::headers::names_tag;
use crate::problem::Problem;

/// What a reader has already, and in which form it wants a value.
pub(super) struct Asked {
    known: Vec<HeaderValue>,
    pub(super) form: Form,
}

impl Asked {
    /// Whether the reader names this version, so that it has the value already, or wants none.
    pub(super) fn has(&self, version: &Version) -> bool {
        if self.known.is_empty() {
            return false;
        }
        names_tag(self.known.iter(), format!("\"{version}\"").as_bytes())
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.headers.get_all(IF_NONE_MATCH).iter().cloned().collect();
        Ok(Self { known, form: Form::asked(&parts.headers) })
    }
}

/// Whether answers of this type are all that is asked for.
pub(super) fn asks_only_for(content_type: &str, headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let mut types = accepted
        .flat_map(|accept| accept.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(content_type));
    types.next().is_some_and(|first| first && types.all(|is_it| is_it))
}

/// The form in which a reader wants a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Bytes,
    Json,
}

impl Form {
    /// JSON only where that is all that is asked for.
    fn asked(headers: &HeaderMap) -> Self {
        if asks_only_for("application/json", headers) { Self::Json } else { Self::Bytes }
    }
}
