//! Conditions of writes: `If-Match` and `If-None-Match`.

use axum::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue};

use crate::problem::Problem;

/// What a write wants to meet.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Precondition<'a> {
    /// Anything.
    None,
    /// Nothing: `If-None-Match: *`.
    Absent,
    /// What has this ETag, which is shown without its quotes: `If-Match: "…"`.
    Tag(&'a str),
}

impl<'a> Precondition<'a> {
    /// Reads the headers of a write; what is no condition is refused and never ignored.
    ///
    /// `instead` says what to do who wants anything that is there (`If-Match: *`), which no store can promise.
    pub(crate) fn read(headers: &'a HeaderMap, instead: &str) -> Result<Self, Problem> {
        match (single(headers, &IF_MATCH)?, single(headers, &IF_NONE_MATCH)?) {
            (None, None) => Ok(Self::None),
            (None, Some(any)) if any == "*" => Ok(Self::Absent),
            (None, Some(_)) => {
                Err(Problem::invalid("If-None-Match", "of a write must be *: store only if absent"))
            }
            (Some(tag), None) => tag_of(tag, instead).map(Self::Tag),
            (Some(_), Some(_)) => {
                Err(Problem::invalid("If-Match", "and If-None-Match exclude each other; give one"))
            }
        }
    }
}

/// A header that is there once. Of two conditions one would have to be left out in silence.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Problem::invalid(shown(name), "is there twice; give one")),
    }
}

fn tag_of<'a>(tag: &'a HeaderValue, instead: &str) -> Result<&'a str, Problem> {
    let refuse = |what: String| Err(Problem::invalid("If-Match", what));
    let Ok(tag) = tag.to_str() else { return refuse("must be one ETag, in its quotes".to_owned()) };
    if tag == "*" {
        return refuse(format!("cannot be *: {instead}"));
    }
    match tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) {
        Some(tag) => Ok(tag),
        None => refuse("must be one ETag, in its quotes".to_owned()),
    }
}

/// The name as documents have it.
fn shown(name: &HeaderName) -> &'static str {
    if name == IF_MATCH { "If-Match" } else { "If-None-Match" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_condition_is_refused_and_never_ignored() {
        let headers = |pairs: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name.clone(), HeaderValue::from_static(value));
            }
            headers
        };
        for (pairs, field) in [
            (&[(IF_MATCH, "*")][..], "If-Match"),
            (&[(IF_MATCH, "garbage")], "If-Match"),
            (&[(IF_MATCH, "\"a")], "If-Match"),
            (&[(IF_MATCH, "\"a\""), (IF_MATCH, "\"b\"")], "If-Match"),
            (&[(IF_NONE_MATCH, "\"a\"")], "If-None-Match"),
            (&[(IF_NONE_MATCH, "*"), (IF_NONE_MATCH, "*")], "If-None-Match"),
            (&[(IF_NONE_MATCH, "*"), (IF_MATCH, "\"a\"")], "If-Match"),
        ] {
            let headers = headers(pairs);
            let body = Precondition::read(&headers, "leave it out").expect_err("it is none").body();
            assert_eq!(body.validation_errors[0].field, field, "{pairs:?}: {body:?}");
        }
        for (pairs, condition) in [
            (&[][..], Precondition::None),
            (&[(IF_NONE_MATCH, "*")], Precondition::Absent),
            (&[(IF_MATCH, "\"a\"")], Precondition::Tag("a")),
        ] {
            assert_eq!(Precondition::read(&headers(pairs), "").expect("a condition"), condition);
        }
    }
}
