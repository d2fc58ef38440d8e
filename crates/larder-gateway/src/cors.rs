//! Pages of other origins, where the operator lets some of them in.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::CorsLayer;

/// How long browsers remember that they may ask.
const REMEMBERED: Duration = Duration::from_secs(600);

/// Lets pages of these origins send what the routes take, and read what they answer.
pub(crate) fn layer(origins: &[HeaderValue]) -> CorsLayer {
    let own = |name| HeaderName::from_static(name);
    CorsLayer::new()
        .allow_origin(origins.to_vec())
        .allow_methods([Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::ACCEPT,
            own("x-api-key"),
            own("x-request-id"),
            own("larder-ttl-millis"),
        ])
        .expose_headers([
            header::ETAG,
            header::RETRY_AFTER,
            own("x-request-id"),
            own("larder-ttl-millis"),
            own("ratelimit-limit"),
            own("ratelimit-remaining"),
            own("ratelimit-reset"),
        ])
        .max_age(REMEMBERED)
}
