//! What a check found.

use larder::{Error, ErrorKind};
use serde::Serialize;

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    pub(crate) status: Status,
    /// What was found.
    pub(crate) detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

/// Whether all is well.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Good,
    Bad,
    /// It was not looked at; the detail says why.
    Unknown,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
        }
    }

    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Bad => "✗",
            Self::Unknown => "?",
        }
    }
}

impl Finding {
    pub(crate) fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, status: Status::Good, detail: detail.into(), advice: None }
    }

    pub(crate) fn bad(check: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, status: Status::Bad, detail: detail.into(), advice: Some(advice.into()) }
    }

    pub(crate) fn unknown(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, status: Status::Unknown, detail: detail.into(), advice: None }
    }

    pub(crate) fn with_advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// What an error of a store says, and what to do about it.
    pub(crate) fn failed(check: &'static str, error: &Error) -> Self {
        let advice = match error.kind() {
            ErrorKind::NotProvisioned => "make the store, or correct the name in the binding",
            ErrorKind::Unauthorized => "give the credentials of this binding the right to do it",
            ErrorKind::Unavailable | ErrorKind::Timeout => {
                "see whether the service answers at that address, and whether this machine may reach it"
            }
            ErrorKind::Throttled => "wait, or give the store more capacity",
            ErrorKind::NotConfigured => "correct the binding",
            ErrorKind::Unsupported => "use a newer larder, or one with that platform compiled in",
            ErrorKind::Corrupt => "restore the store from a copy, or export what can be read of it",
            _ => "report it, with what is said here",
        };
        Self::bad(check, format!("{}: {}", error.kind(), error.message()), advice)
    }
}
