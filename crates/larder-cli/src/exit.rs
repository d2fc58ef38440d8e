//! What the program tells the shell.

use std::process::ExitCode;

/// How a command ended, as an exit code.
///
/// A command that a signal has ended has another: 128 and the signal's number, as shells have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// 0: it was done.
    Done = 0,
    /// 1: it could not be done, or not all of it; the message on stderr says why.
    Error = 1,
    /// 2: the command line is wrong, or what it gives: a flag, an id, a key, a value, a lifetime.
    Usage = 2,
    /// 3: the key is not there.
    Absent = 3,
    /// 4: the condition of a write did not hold, and nothing changed.
    ConditionFailed = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        // The discriminants are the codes.
        Self::from(exit as u8)
    }
}
