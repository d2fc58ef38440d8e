//! Failed attempts, and what became of their requests (P4).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorKind;

/// What became of a request that ended in an error (P4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It was not applied and never will be: it was not sent, or the platform refused it.
    NotApplied,
    /// It was sent, and no answer came: it may have been applied, or may still be.
    Unknown,
}

/// A failed attempt.
#[derive(Clone)]
pub struct DriverError {
    /// What went wrong.
    pub kind: ErrorKind,
    /// What became of the request.
    pub effect: Effect,
    /// Whether the same request can succeed a little later; by its kind unless told otherwise.
    pub retryable: bool,
    /// For people: what is wrong and the way out, without values or secrets.
    pub message: String,
    /// How long the platform asked to wait.
    pub retry_after: Option<Duration>,
    /// The cause.
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl DriverError {
    /// A request that was not applied and never will be.
    pub fn refused(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Effect::NotApplied, message.into())
    }

    /// A request of which nobody knows whether it was applied.
    pub fn unknown(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Effect::Unknown, message.into())
    }

    fn new(kind: ErrorKind, effect: Effect, message: String) -> Self {
        Self { kind, effect, retryable: kind.is_retryable(), message, retry_after: None, source: None }
    }

    /// Adds the cause. It must not print values or secrets.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The same error, which no retry will mend.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.retryable = false;
        self
    }

    /// The same error, of a request that changed nothing.
    #[must_use]
    pub fn not_applied(mut self) -> Self {
        self.effect = Effect::NotApplied;
        self
    }
}

impl fmt::Debug for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DriverError({:?}, {:?}, {:?})", self.kind, self.effect, self.message)
    }
}
