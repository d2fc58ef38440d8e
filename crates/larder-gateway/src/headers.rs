//! What stands in headers of answers.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Sets a header to digits, letters or base64, all of which may stand in one.
pub(crate) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Whole milliseconds; no time has more of them than fit.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Whether what a reader names as known (`If-None-Match`) has this tag in it, or is `*`.
///
/// Whoever stands between may have weakened a tag; a weak comparison is what reads ask for.
pub(crate) fn names_tag<'a>(mut known: impl Iterator<Item = &'a HeaderValue>, tag: &[u8]) -> bool {
    let is_it = |one: &[u8]| one == b"*" || one.strip_prefix(b"W/").unwrap_or(one) == tag;
    known.any(|tags| tags.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii).any(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_every_form_in_which_it_comes() {
        let names = |known: &[&'static str]| {
            let known: Vec<_> = known.iter().map(|tags| HeaderValue::from_static(tags)).collect();
            names_tag(known.iter(), b"\"a\"")
        };
        for known in [&["\"a\""][..], &["W/\"a\""], &["*"], &["\"b\", W/\"a\""], &["\"b\"", "\"a\""]] {
            assert!(names(known), "{known:?}");
        }
        for known in [&[][..], &["\"b\""], &["a"], &["\"ab\""]] {
            assert!(!names(known), "{known:?}");
        }
    }
}
