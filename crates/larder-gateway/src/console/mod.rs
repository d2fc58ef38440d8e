//! The console: a page to look at stores and change them, at `/console/`.
//!
//! The gateway only hands out its files, to whoever asks: nothing is in them. What the page shows it asks the documented API
//! for, with the key that a person types, so that it can do nothing that the key cannot.

mod files;
mod headers;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{ETAG, IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::files::File;
use crate::gateway::Gateway;
use crate::headers::names_tag;
use crate::problem::{Code, Problem};

/// The routes.
pub(crate) fn routes() -> Router<Gateway> {
    Router::new()
        // Relative, as everything that the page refers to, so that a proxy may serve it below another path.
        .route("/console", get(async || (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, "console/")])))
        .route("/console/", get(async |asked: HeaderMap| answer("index.html", &asked)))
        .route(
            "/console/{file}",
            get(async |Path(name): Path<String>, asked: HeaderMap| answer(&name, &asked)),
        )
        .method_not_allowed_fallback(async || {
            Problem::new(Code::MethodNotAllowed, "the console's files are only read; see the header Allow")
        })
}

/// The file, or 304 for who has it.
fn answer(name: &str, asked: &HeaderMap) -> Response {
    let Some(file) = File::find(name) else {
        return Problem::new(Code::RouteNotFound, "the console has no such file").into_response();
    };
    let mut headers = headers::of(file.content_type);
    headers.insert(ETAG, file.etag.clone());
    let is_known = names_tag(asked.get_all(IF_NONE_MATCH).iter(), file.etag.as_bytes());
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.bytes).into_response()
}
