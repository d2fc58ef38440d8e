//! Conditions of requests: `If-Match` and `If-None-Match`.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use larder::{Condition, Version};

use crate::extract::Precondition;
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
    let instead = "give the ETag of the entry; a touch without If-Match needs any entry";
    match Precondition::read(headers, instead)? {
        Precondition::None => Ok(Condition::Always),
        Precondition::Absent => Ok(Condition::IfAbsent),
        Precondition::Tag(version) => {
            let version = version.parse().map_err(|error| Problem::from(error).about(super::WRITE))?;
            Ok(Condition::IfVersion(version))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::IF_MATCH;

    use super::*;

    #[test]
    fn a_tag_that_is_no_version_is_refused() {
        for tag in ["\"garbage\"", "\"a\", \"b\""] {
            let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_static(tag))]);
            let body = read(&headers).expect_err("it is none").body();
            assert_eq!(body.validation_errors[0].field, "If-Match", "{tag}: {body:?}");
        }
    }
}
