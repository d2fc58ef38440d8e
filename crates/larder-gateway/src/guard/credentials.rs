//! Where a request says who sends it.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};

/// The other place of a key.
pub(super) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What a request presents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    /// This text, which may be a key.
    Key(&'a str),
    /// Nothing.
    Nothing,
    /// Two different things, or something else than a key: no guess which is meant.
    Unclear,
}

/// The key in `Authorization: Bearer KEY` or in `X-API-Key: KEY`.
pub(super) fn presented(headers: &HeaderMap) -> Presented<'_> {
    let mut found = None;
    for (name, read) in [(AUTHORIZATION, bearer as fn(&str) -> Option<&str>), (API_KEY, plain)] {
        for value in headers.get_all(name) {
            let Some(key) = value.to_str().ok().and_then(read) else { return Presented::Unclear };
            match found {
                None => found = Some(key),
                // SDKs send one key in both places.
                Some(other) if other == key => {}
                Some(_) => return Presented::Unclear,
            }
        }
    }
    found.map_or(Presented::Nothing, Presented::Key)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn plain(value: &str) -> Option<&str> {
    Some(value.trim())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).expect("a header"))
            })
            .fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            })
    }

    #[test]
    fn a_key_may_stand_in_either_place() {
        for lines in [
            &[("authorization", "Bearer kv_a")][..],
            &[("authorization", "bearer  kv_a ")],
            &[("x-api-key", "kv_a")],
            &[("x-api-key", "kv_a"), ("authorization", "Bearer kv_a")],
        ] {
            assert!(presented(&headers(lines)) == Presented::Key("kv_a"), "{lines:?}");
        }
        assert!(presented(&headers(&[])) == Presented::Nothing);
    }

    #[test]
    fn nothing_is_guessed() {
        for lines in [
            &[("authorization", "Basic a2V5")][..],
            &[("authorization", "kv_a")],
            &[("x-api-key", "kv_a"), ("authorization", "Bearer kv_b")],
            &[("x-api-key", "kv_a"), ("x-api-key", "kv_b")],
            &[("x-api-key", "kv_a"), ("authorization", "Basic a2V5")],
            &[("x-api-key", "\u{e9}")],
        ] {
            assert!(presented(&headers(lines)) == Presented::Unclear, "{lines:?}");
        }
    }
}
