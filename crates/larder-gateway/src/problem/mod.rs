//! The one form of errors over HTTP.

use std::time::Duration;

use axum::Json;
use axum::http::HeaderMap;
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use larder::{Error, ErrorKind};
use serde::Serialize;
use utoipa::ToSchema;

use crate::request_id;

mod code;
mod refusals;

pub use self::code::Code;
pub(crate) use self::refusals::{Refusals, refusals_but};

/// A parameter, a header or a field of a body that cannot be as it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// Which one.
    pub field: String,
    /// What is wrong with it, and the way out. Never what it held.
    pub error: String,
}

/// The body of every error.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProblemBody {
    /// What went wrong, for programs: `NOT_FOUND`, `VALIDATION_ERROR` and so on.
    pub error: String,
    /// The same for people, with the way out.
    pub message: String,
    /// The status of the answer.
    pub status_code: u16,
    /// What else is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<serde_json::Value>,
    /// What was wrong with the request; empty for other errors.
    pub validation_errors: Vec<FieldError>,
    /// The id of the request, as in the header `X-Request-Id` and in the gateway's logs.
    pub request_id: String,
}

/// Why a request was not answered as it hoped.
///
/// It holds no value and no secret (E2).
#[derive(Clone, Debug)]
#[must_use]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    message: String,
    details: Option<serde_json::Value>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    headers: HeaderMap,
}

impl Problem {
    /// A problem. The message says what is wrong and the way out, without any value or secret.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            details: None,
            fields: Vec::new(),
            retry_after: None,
            headers: HeaderMap::new(),
        }))
    }

    /// A parameter, a header or a field of the body that cannot be as it is.
    pub fn invalid(field: impl Into<String>, error: impl Into<String>) -> Self {
        let field = FieldError { field: field.into(), error: error.into() };
        let mut problem = Self::new(Code::ValidationError, format!("{}: {}", field.field, field.error));
        problem.0.fields.push(field);
        problem
    }

    /// What a panic is told as. The panic itself was printed by the process's hook.
    pub(crate) fn of_panic() -> Self {
        tracing::error!(target: "larder", request_id = request_id::current(), "answering a request panicked");
        Self::new(Code::Internal, "the gateway has a defect")
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Adds what else is known: no values, no secrets.
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Tells the caller when to come back, in whole seconds rounded up.
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// Adds headers to the answer.
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.0.headers.extend(headers);
        self
    }

    /// Says which part of the request an error of bad input is about: the first whose word for it the message has.
    pub(crate) fn about(mut self, parts: &[(&str, &str)]) -> Self {
        if self.0.code != Code::ValidationError || !self.0.fields.is_empty() {
            return self;
        }
        if let Some((_, field)) = parts.iter().find(|(word, _)| self.0.message.contains(word)) {
            self.0.fields.push(FieldError { field: (*field).to_owned(), error: self.0.message.clone() });
        }
        self
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> ProblemBody {
        ProblemBody {
            error: self.0.code.as_str().to_owned(),
            message: self.0.message.clone(),
            status_code: self.0.code.status().as_u16(),
            details: self.0.details.clone(),
            validation_errors: self.0.fields.clone(),
            request_id: request_id::current(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.body();
        let mut response = (self.0.code.status(), Json(body)).into_response();
        response.headers_mut().extend(self.0.headers);
        if let Some(wait) = self.0.retry_after {
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            if let Ok(seconds) = HeaderValue::from_str(&seconds.to_string()) {
                response.headers_mut().insert(RETRY_AFTER, seconds);
            }
        }
        response
    }
}

impl From<Error> for Problem {
    /// What the caller did wrong is told as it is. What the store says of itself may name tables and machines, and goes to
    /// the log under the request's id.
    fn from(error: Error) -> Self {
        let (code, message) = match error.kind() {
            ErrorKind::InvalidInput => return Self::new(Code::ValidationError, error.message()),
            ErrorKind::NotConfigured | ErrorKind::NotProvisioned | ErrorKind::Unauthorized => (
                Code::StoreUnusable,
                "the store is not there for the gateway to use; its operator has to see to it",
            ),
            ErrorKind::Throttled => {
                (Code::StoreThrottled, "the store asks for fewer requests; try again later")
            }
            ErrorKind::Unavailable => (Code::Unavailable, "the store cannot be reached now; try again later"),
            ErrorKind::Timeout => {
                (Code::Timeout, "the store did not answer in time, and nothing was applied; try again")
            }
            ErrorKind::Ambiguous => (
                Code::Ambiguous,
                "the write may have been applied, or may still be; read the key before you write again",
            ),
            ErrorKind::Corrupt => (
                Code::Corrupt,
                "the stored record cannot be decoded; a put or a delete without a condition mends it",
            ),
            ErrorKind::Unsupported => (Code::Unsupported, "the store cannot do that"),
            _ => (Code::Internal, "the gateway or its store has a defect"),
        };
        let request_id = request_id::current();
        // Without the key, of which the error shows the beginning.
        tracing::warn!(
            request_id,
            code = code.as_str(),
            binding = error.binding(),
            error = error.message(),
            "a request failed"
        );
        let wait = match code {
            Code::StoreThrottled | Code::Unavailable => {
                Some(error.retry_after().unwrap_or(Duration::from_secs(1)))
            }
            _ => None,
        };
        Self::new(code, message).with_retry_after(wait)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn what_a_store_says_of_itself_stays_inside() {
        let error = Error::new(ErrorKind::Unauthorized, "the role of table-7 may not read");
        let problem = Problem::from(error);
        assert_eq!(problem.code().status(), StatusCode::BAD_GATEWAY);
        assert!(!problem.body().message.contains("table-7"));
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds() {
        let problem = Problem::from(Error::new(ErrorKind::Throttled, "slow down"));
        let response = problem.with_retry_after(Some(Duration::from_millis(1_001))).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
