//! Conditions of requests: `If-Match` and `If-None-Match`.

use axum::extract::FromRequestParts;
use axum::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use larder::{Condition, Version};

use crate::problem::Problem;

/// The condition of a write: `If-Match: "version"`, `If-None-Match: *`, or none.
#[derive(Debug)]
pub(crate) struct WriteCondition(pub(crate) Condition);

impl WriteCondition {
    /// The version that the entry must have, for a write that makes sense on an entry only.
    pub(crate) fn version(self) -> Result<Option<Version>, Problem> {
        match self.0 {
            Condition::Always => Ok(None),
            Condition::IfVersion(version) => Ok(Some(version)),
            Condition::IfAbsent => Err(Problem::invalid(
                "If-None-Match",
                "makes no sense here: there must be an entry; leave it out",
            )),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for WriteCondition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(&parts.headers).map(Self)
    }
}

fn read(headers: &HeaderMap) -> Result<Condition, Problem> {
    match (single(headers, &IF_MATCH)?, single(headers, &IF_NONE_MATCH)?) {
        (None, None) => Ok(Condition::Always),
        (None, Some(any)) if any == "*" => Ok(Condition::IfAbsent),
        (None, Some(_)) => {
            Err(Problem::invalid("If-None-Match", "of a write must be *: store only if absent"))
        }
        (Some(tag), None) => version(tag).map(Condition::IfVersion),
        (Some(_), Some(_)) => {
            Err(Problem::invalid("If-Match", "and If-None-Match exclude each other; give one"))
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

fn version(tag: &HeaderValue) -> Result<Version, Problem> {
    let refuse = |what| Err(Problem::invalid("If-Match", what));
    let Ok(tag) = tag.to_str() else { return refuse("must be the ETag of an entry, in its quotes") };
    if tag == "*" {
        return refuse("cannot be *: give the ETag of the entry; a touch without If-Match needs any entry");
    }
    let Some(version) = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) else {
        return refuse("must be one ETag, in its quotes");
    };
    version.parse().map_err(|error| Problem::from(error).about(super::WRITE))
}

/// The name as documents have it.
fn shown(name: &HeaderName) -> &'static str {
    if name == IF_MATCH { "If-Match" } else { "If-None-Match" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn what_is_no_condition_is_refused_and_never_ignored() {
        for (pairs, field) in [
            (&[(IF_MATCH, "*")][..], "If-Match"),
            (&[(IF_MATCH, "\"garbage\"")], "If-Match"),
            (&[(IF_MATCH, "garbage")], "If-Match"),
            (&[(IF_MATCH, "\"a\", \"b\"")], "If-Match"),
            (&[(IF_MATCH, "\"a\""), (IF_MATCH, "\"b\"")], "If-Match"),
            (&[(IF_NONE_MATCH, "\"a\"")], "If-None-Match"),
            (&[(IF_NONE_MATCH, "*"), (IF_MATCH, "\"a\"")], "If-Match"),
        ] {
            let body = read(&headers(pairs)).expect_err("it is none").body();
            assert_eq!(body.validation_errors[0].field, field, "{pairs:?}: {body:?}");
        }
        assert_eq!(read(&headers(&[])).expect("none"), Condition::Always);
        assert_eq!(read(&headers(&[(IF_NONE_MATCH, "*")])).expect("absent"), Condition::IfAbsent);
    }
}
