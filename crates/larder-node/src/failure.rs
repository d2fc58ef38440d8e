//! Errors on their way to JavaScript.

use std::error::Error as StdError;

use larder::Error;
use serde::Serialize;

/// An error's parts, which the package makes its own error class of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failure {
    kind: String,
    message: String,
    retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// What it is due to, the nearest cause first.
    causes: Vec<String>,
}

impl Failure {
    pub(crate) fn of(error: &Error) -> Self {
        let mut causes = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            causes.push(cause.to_string());
            source = cause.source();
        }
        Self {
            kind: format!("{:?}", error.kind()),
            message: error.message().to_owned(),
            retryable: error.is_retryable(),
            operation: error.operation().map(|operation| operation.to_string()),
            binding: error.binding().map(str::to_owned),
            key: error.key().map(str::to_owned),
            causes,
        }
    }
}

/// The exception that stands for an error. Exceptions of addons have a text and no fields, so that the text has them all.
pub(crate) fn thrown(error: &Error) -> napi::Error {
    match serde_json::to_string(&Failure::of(error)) {
        Ok(text) => napi::Error::from_reason(text),
        // Texts and a flag: there is nothing that could fail.
        Err(_) => napi::Error::from_reason("an error could not be written"),
    }
}
