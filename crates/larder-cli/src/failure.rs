//! Why a command could not be done.

use std::fmt;
use std::io;

use larder::{Error, ErrorKind};

use crate::exit::Exit;

/// What a command comes to.
pub type Outcome<T> = Result<T, Failure>;

/// Why a command could not be done.
///
/// It holds no value and no credential, and shows keys shortened (E2).
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// What was asked for makes no sense: exit code 2.
    Usage(String),
    /// A store answered with an error.
    Store(Error),
    /// A store refused something in the middle of the work: exit code 1 whatever it is, since something was done.
    Midway(Error),
    /// A file, a store or the output is not as the command needs it: exit code 1.
    Other(String),
    /// Whoever reads a listing has left: exit code 0, and nothing is said about it.
    OutputClosed,
}

impl Failure {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Store(error) if error.kind() == ErrorKind::InvalidInput => Exit::Usage,
            Self::Store(_) | Self::Midway(_) | Self::Other(_) => Exit::Error,
            Self::OutputClosed => Exit::Done,
        }
    }

    /// The same failure, of work that may have been done in part.
    pub(crate) fn midway(self) -> Self {
        match self {
            Self::Store(error) => Self::Midway(error),
            other => other,
        }
    }

    /// An I/O error at a file or another place that people know by name.
    pub(crate) fn at(place: impl fmt::Display, error: &io::Error) -> Self {
        Self::Other(format!("{place}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Other(message) => f.write_str(message),
            Self::Store(error) | Self::Midway(error) => write!(f, "{error}"),
            Self::OutputClosed => f.write_str("the output was closed"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) | Self::Midway(error) => error.source(),
            _ => None,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}
