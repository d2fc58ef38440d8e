//! What a program tells of an operation, in one line.

use std::fmt;
use std::io::Write;
use std::str::FromStr;
use std::time::Duration;

use larder::Error;

/// An error, as a program printed it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The operation, in the program's words.
    pub what: String,
    /// The error's kind, as [`larder::ErrorKind::as_str`] has it.
    pub kind: String,
    /// Whether it says that a retry can help.
    pub retryable: bool,
    /// How long the operation took.
    pub took: Duration,
    /// What it says, with everything around the message.
    pub message: String,
}

impl Failure {
    /// The failure of an operation that took so long.
    pub fn new(what: &str, error: &Error, took: Duration) -> Self {
        Self {
            what: what.to_owned(),
            kind: error.kind().as_str().to_owned(),
            retryable: error.is_retryable(),
            took,
            message: error.to_string().replace('\n', " "),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, kind, retryable, took, message } = self;
        write!(f, "failed\t{what}\t{kind}\t{retryable}\t{}\t{message}", took.as_millis())
    }
}

impl FromStr for Failure {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let fields: Vec<_> = line.splitn(6, '\t').collect();
        let ["failed", what, kind, retryable, millis, message] = fields[..] else { return Err(()) };
        Ok(Self {
            what: what.to_owned(),
            kind: kind.to_owned(),
            retryable: retryable.parse().map_err(drop)?,
            took: Duration::from_millis(millis.parse().map_err(drop)?),
            message: message.to_owned(),
        })
    }
}

/// Prints a line and sees to it that it has left the process.
///
/// # Panics
///
/// When nobody reads any more.
pub fn say(line: impl fmt::Display) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).expect("somebody reads");
}
