//! What browsers are told of the console's files.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

/// Nothing from elsewhere and nothing to elsewhere; no script or style inside the page, no form that is sent, no frame
/// around it. No text becomes markup: browsers that know trusted types refuse the very attempt.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const ALL: [(HeaderName, &str); 6] = [
    // Asked for anew each time, since a later version has the same names.
    (CACHE_CONTROL, "no-cache"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// The headers of a file of this type.
pub(super) fn of(content_type: &'static str) -> HeaderMap {
    let mut headers: HeaderMap =
        ALL.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers
}
