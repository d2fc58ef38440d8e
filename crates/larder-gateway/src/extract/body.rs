//! Bodies of requests.

use axum::RequestExt;
use axum::body::HttpBody;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::explain::explain;
use super::media_type::media_type;
use crate::aside::aside;
use crate::problem::{Code, Problem};

/// A body of any type, as it came. Not `Debug`: values are in it (E2).
pub(crate) struct RawBody(pub(crate) Bytes);

/// A JSON body. The content type must say that it is one: browsers send other types to foreign sites unasked.
///
/// Not `Debug`: values are in it (E2).
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let declared = request.body().size_hint().lower();
        let request = request.with_limited_body();
        // Before a byte of it is asked for: who waits for that (`Expect: 100-continue`) sends nothing for nothing.
        if request.body().size_hint().upper().is_some_and(|most| declared > most) {
            return Err(too_large());
        }
        Bytes::from_request(request, state).await.map(Self).map_err(refused)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send + 'static> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "the body must be JSON; send it with Content-Type: application/json",
            ));
        }
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        aside(bytes.len(), move || read(&bytes)).await.map(Self)
    }
}

/// Whether the headers say that the body is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers) == "application/json"
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            let (field, what) = explain(&field, &error.to_string());
            return Problem::invalid(field, what);
        }
        no_json(&error)
    })?;
    json.end().map_err(|error| no_json(&error))?;
    Ok(value)
}

/// Serde's own message may show what stands at the place; line and column do not.
fn no_json(error: &serde_json::Error) -> Problem {
    Problem::invalid("body", format!("no JSON from line {}, column {} on", error.line(), error.column()))
}

fn too_large() -> Problem {
    Problem::new(Code::PayloadTooLarge, "the body is larger than this route takes: see docs/http-api.md")
}

fn refused(rejection: BytesRejection) -> Problem {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => too_large(),
        other => {
            // The caller has gone or broke off: nobody may read this.
            let status = other.into_response().status();
            Problem::invalid("body", format!("the body could not be read to its end ({status})"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    #[allow(dead_code)]
    struct Put {
        key: String,
        ttl: Option<f64>,
        if_not_exists: Option<bool>,
    }

    fn wrong(text: &str) -> (String, String) {
        let problem = read::<Put>(text.as_bytes()).expect_err("it is wrong").body();
        assert_eq!(problem.status_code, 400);
        assert!(!format!("{problem:?}").contains("s3cret"), "{problem:?}");
        let [field] = &problem.validation_errors[..] else { panic!("{problem:?}") };
        (field.field.clone(), field.error.clone())
    }

    #[test]
    fn errors_name_the_field_and_never_what_it_held() {
        assert_eq!(wrong("{}"), ("key".into(), "is missing".into()));
        assert_eq!(wrong(r#"{"key":7}"#), ("key".into(), "must be a string".into()));
        assert_eq!(
            wrong(r#"{"key":"k","ttl":"s3cret, expected"}"#),
            ("ttl".into(), "must be a number".into())
        );
        assert_eq!(wrong(r#"{"key":"k","key":"s3cret"}"#), ("key".into(), "is there twice".into()));
        let (field, what) = wrong(r#"{"key":"k","s3cret":1}"#);
        assert_eq!(field, "body");
        assert!(what.contains("`key`, `ttl`, `ifNotExists`"), "{what}");
        let (field, what) = wrong(r#"{"key":"k","ttl":s3cret}"#);
        assert_eq!((field.as_str(), what.contains("column")), ("body", true));
        assert_eq!(wrong(r#"{"key":"k"} x"#).0, "body");
        assert_eq!(wrong(r#""s3cret""#).0, "body");
    }
}
