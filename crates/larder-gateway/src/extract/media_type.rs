//! The types of bodies.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

/// The type that the headers give the body, in small letters and without parameters; empty where they give none, or several.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(kind), None) = (types.next(), types.next()) else { return String::new() };
    let kind = kind.to_str().unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_type_is_read_without_its_parameters() {
        let headers = |types: &[&'static str]| -> HeaderMap {
            types.iter().map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind))).collect()
        };
        assert_eq!(media_type(&headers(&["Application/JSON ; charset=utf-8"])), "application/json");
        assert_eq!(media_type(&headers(&[])), "");
        let mut twice = headers(&["text/plain"]);
        twice.append(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert_eq!(media_type(&twice), "", "a server behind might believe the other one");
    }
}
