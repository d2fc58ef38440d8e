//! The one error type: a kind, what was being done, and the cause (E1, E2).

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::key::shorten;
use crate::operation::Operation;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in terms that a caller can act on (E1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call's own arguments are out of bounds. Nothing was sent.
    InvalidInput,
    /// No binding was found, or it cannot be used as it is written.
    NotConfigured,
    /// The table, database, collection or directory is not there or holds no usable store.
    NotProvisioned,
    /// The platform refused the credentials, or they allow too little.
    Unauthorized,
    /// The platform, or this process's retry budget, asks for fewer requests.
    Throttled,
    /// The platform cannot be reached or cannot serve now.
    Unavailable,
    /// The time was up, and nothing was applied. A read that is out of time has the kind of its last attempt.
    Timeout,
    /// A write may have been applied, or may still be (P4).
    Ambiguous,
    /// A stored record cannot be decoded (E3).
    Corrupt,
    /// This backend, or this build, cannot do that.
    Unsupported,
    /// A defect in Larder or in a driver.
    Internal,
}

impl ErrorKind {
    /// The kind's name in logs, metrics and the HTTP API: lower-case words joined by `_`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::NotConfigured => "not_configured",
            Self::NotProvisioned => "not_provisioned",
            Self::Unauthorized => "unauthorized",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Ambiguous => "ambiguous",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }

    /// Whether trouble of this kind usually passes without anything being changed (E4).
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable | Self::Timeout)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidInput => "invalid input",
            Self::NotConfigured => "not configured",
            Self::NotProvisioned => "not provisioned",
            Self::Unauthorized => "unauthorized",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Ambiguous => "ambiguous",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        })
    }
}

/// A failed operation.
///
/// It never holds a value, a credential or a connection string, and shows keys shortened (E2). Cloning is cheap.
///
/// ```
/// use larder_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Throttled, "the table's write capacity is used up");
/// assert!(error.is_retryable());
/// assert_eq!(error.to_string(), "throttled: the table's write capacity is used up");
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    retryable: bool,
    message: String,
    operation: Option<Operation>,
    binding: Option<Arc<str>>,
    key: Option<Box<str>>,
    show_full_key: bool,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of that kind. The message says what is wrong and the way out, without any value or secret.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            retryable: kind.is_retryable(),
            message: message.into(),
            operation: None,
            binding: None,
            key: None,
            show_full_key: false,
            retry_after: None,
            source: None,
        }))
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same call can succeed later without anything being changed.
    ///
    /// False for [`ErrorKind::Ambiguous`]: read the key before you decide to write again.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// What is wrong and the way out, without the operation, the key and the binding.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The operation that failed, where there was one.
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation
    }

    /// The binding that the operation went to.
    pub fn binding(&self) -> Option<&str> {
        self.0.binding.as_deref()
    }

    /// The whole key, relative to the handle. Errors show it shortened, since keys can be secrets.
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// How long the platform asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Adds the cause. It must not print values or secrets.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = source.into();
        self.edit(|inner| inner.source = Some(Arc::from(source)))
    }

    /// Adds the binding's name.
    #[must_use]
    pub fn with_binding(self, binding: impl Into<Arc<str>>) -> Self {
        let binding = binding.into();
        self.edit(|inner| inner.binding = Some(binding))
    }

    pub(crate) fn with_retryable(self, retryable: bool) -> Self {
        self.edit(|inner| inner.retryable = retryable)
    }

    pub(crate) fn with_operation(self, operation: Operation) -> Self {
        self.edit(|inner| inner.operation = Some(operation))
    }

    pub(crate) fn with_key(self, key: &str, show_full_key: bool) -> Self {
        self.edit(|inner| {
            inner.key = Some(key.into());
            inner.show_full_key = show_full_key;
        })
    }

    pub(crate) fn with_retry_after(self, wait: Option<Duration>) -> Self {
        self.edit(|inner| inner.retry_after = wait)
    }

    pub(crate) fn with_shared_source(self, source: Option<Arc<dyn StdError + Send + Sync>>) -> Self {
        self.edit(|inner| inner.source = source)
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    fn shown_key(&self) -> Option<String> {
        let key = self.0.key.as_deref()?;
        Some(if self.0.show_full_key { key.to_owned() } else { shorten(key) })
    }
}

impl fmt::Display for Error {
    /// One line: the operation, the key (shortened), the binding, the kind, the message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.0.operation {
            write!(f, "{operation}")?;
            if let Some(key) = self.shown_key() {
                write!(f, " {key:?}")?;
            }
            if let Some(binding) = &self.0.binding {
                write!(f, " on {binding:?}")?;
            }
            f.write_str(": ")?;
        } else if let Some(binding) = &self.0.binding {
            write!(f, "binding {binding:?}: ")?;
        }
        write!(f, "{}: {}", self.0.kind, self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(operation) = self.0.operation {
            out.field("operation", &operation);
        }
        if let Some(binding) = &self.0.binding {
            out.field("binding", binding);
        }
        if let Some(key) = self.shown_key() {
            out.field("key", &key);
        }
        if let Some(wait) = self.0.retry_after {
            out.field("retry_after", &wait);
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// Why an argument was refused, before it is known which operation it was for.
#[derive(Debug)]
pub(crate) struct InvalidInput(String);

impl InvalidInput {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Says where in a list the argument stood.
    pub(crate) fn at(self, place: usize) -> Self {
        Self(format!("item {place}: {}", self.0))
    }
}

impl From<InvalidInput> for Error {
    fn from(input: InvalidInput) -> Self {
        Self::new(ErrorKind::InvalidInput, input.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_where_and_why() {
        let error = Error::new(ErrorKind::Unavailable, "the connection was refused")
            .with_operation(Operation::Put)
            .with_binding("cache")
            .with_key("session:0123456789", false);
        let shown = r#"put "session:…(18 bytes)" on "cache": unavailable: the connection was refused"#;
        assert_eq!(error.to_string(), shown);
        assert_eq!(error.key(), Some("session:0123456789"));
    }

    #[test]
    fn debug_output_shortens_the_key() {
        let error =
            Error::new(ErrorKind::Corrupt, "the header is cut short").with_key("session:0123456789", false);
        assert!(!format!("{error:?}").contains("0123456789"));
    }

    #[test]
    fn only_passing_troubles_are_retryable() {
        assert!(ErrorKind::Throttled.is_retryable());
        assert!(!ErrorKind::Ambiguous.is_retryable());
        assert!(!ErrorKind::InvalidInput.is_retryable());
    }
}
