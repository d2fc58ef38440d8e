//! Parameters of requests.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::explain::explain;
use crate::problem::Problem;

/// The parameters of a URL: a space is `%20` or `+`, and unknown ones and repeated ones are refused.
///
/// Not `Debug`: keys are in it, which may be secrets (E1).
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    // The decoder below puts U+FFFD for what is no UTF-8, which would make one key of many.
    if query.contains('%') && percent_decode_str(query).decode_utf8().is_err() {
        return Err(Problem::invalid("query", "is no UTF-8 when its %XX are decoded"));
    }
    let pairs = form_urlencoded::parse(query.as_bytes());
    if let Ok(read) = T::deserialize(serde_urlencoded::Deserializer::new(pairs)) {
        return Ok(read);
    }
    // Again, minding where it fails: that takes several times as long.
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map_err(|error| {
        let field = error.path().to_string();
        let (field, what) = explain(&field, &error.into_inner().to_string());
        let field = if field == "body" { "query".to_owned() } else { field };
        Problem::invalid(field, what)
    })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Page {
        prefix: Option<String>,
        limit: Option<usize>,
    }

    #[test]
    fn parameters_are_read_strictly() {
        let read = |query| read::<Page>(query).map_err(|problem| Box::new(problem.body()));
        let page = read("prefix=a%20b+c%2B%C3%A4&limit=3").expect("a page");
        assert_eq!(page, Page { prefix: Some("a b c+ä".into()), limit: Some(3) });
        assert_eq!(read("").expect("a page"), Page { prefix: None, limit: None });
        for (query, field) in [
            ("prefix=%FF", "query"),
            ("limit=s3cret", "limit"),
            ("limit=-1", "limit"),
            ("limit=1&limit=2", "limit"),
            ("s3cret=1", "query"),
        ] {
            let body = read(query).expect_err("it is wrong");
            assert_eq!(body.validation_errors[0].field, field, "{query}");
            assert!(!format!("{body:?}").contains("s3cret"), "{body:?}");
        }
    }
}
