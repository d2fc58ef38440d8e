//! Why a binding cannot be used, before it is known which binding it is.

use std::error::Error as StdError;

use larder_core::{Error, ErrorKind};

/// What is wrong with a binding, and where in it.
///
/// Its text is shown to people and kept in logs, so it is made of names (of fields, variables, files) and of rules, and
/// never of a value that was found (E2). For the same reason it takes no parser's message, which may quote its input.
pub(crate) struct Fault {
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// Adds a cause that is known to quote nothing.
    pub(crate) fn with_source(mut self, source: std::io::Error) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Says where the fault is.
    pub(crate) fn at(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    /// The error for the caller who asked for this binding.
    pub(crate) fn into_error(self, id: &str) -> Error {
        let error = Error::new(ErrorKind::NotConfigured, self.message).with_binding(id);
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}

/// A name from a configuration, for an error: quoted, unless what stands in its place may well be a secret.
///
/// Keys and services have short names, and variables upper-case ones. Keys of clouds are long and of both cases.
pub(crate) fn shown(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let longest = if name.bytes().any(|byte| byte.is_ascii_lowercase()) { 24 } else { 128 };
    if is_plain && name.len() <= longest {
        format!("{name:?}")
    } else {
        format!("(of {} bytes, not shown)", name.len())
    }
}
