//! What became of a run.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What became of a run that was begun.
pub struct Report {
    /// What the script returned, as JSON, or why it did not.
    pub result: Result<Box<RawValue>, Failure>,
    /// What it logged, in order, up to [`MAX_LOG_BYTES`](crate::MAX_LOG_BYTES).
    pub logs: Vec<LogLine>,
    /// Whether it logged more than is kept.
    pub logs_cut: bool,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Debug for Report {
    /// Without what the script said: it may hold values (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("failure", &self.result.as_ref().err())
            .field("logs", &self.logs.len())
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}

/// Why a run that was begun gave no result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The source is no module of JavaScript, or imports something.
    Syntax(SyntaxError),
    /// The script threw.
    Threw(Thrown),
    /// It used more processor time than it may. Calls that were under way were waited for, but nobody heard their answers.
    CpuLimit,
    /// It used more memory than it may. As with [`Failure::CpuLimit`].
    MemoryLimit,
    /// It took longer than it may. Calls that were under way then may have been applied, or may still be.
    TimeLimit,
    /// It returned more than it may: the bytes of it as JSON.
    OutputTooLarge(usize),
    /// Its worker ended, which took nothing but this run with it. Calls that were under way may have been applied.
    Crashed,
}

impl Failure {
    /// Its name in metrics: lower-case words joined by `_`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "syntax",
            Self::Threw(_) => "threw",
            Self::CpuLimit => "cpu_limit",
            Self::MemoryLimit => "memory_limit",
            Self::TimeLimit => "time_limit",
            Self::OutputTooLarge(_) => "output_too_large",
            Self::Crashed => "crashed",
        }
    }
}

impl fmt::Display for Failure {
    /// Without what the script said: it may hold values (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax(_) => "the script is no module that can be run",
            Self::Threw(_) => "the script threw",
            Self::CpuLimit => {
                "the script used more processor time than it may; what it wrote stays, and its last writes may have been \
                 applied or may still be"
            }
            Self::MemoryLimit => {
                "the script used more memory than it may; what it wrote stays, and its last writes may have been applied or \
                 may still be"
            }
            Self::TimeLimit => {
                "the script took longer than it may; what it wrote stays, and its last writes may have been applied or may \
                 still be"
            }
            Self::OutputTooLarge(bytes) => {
                return write!(
                    f,
                    "the script returned {bytes} bytes, which is more than it may: let it store them"
                );
            }
            Self::Crashed => {
                "the worker of the script ended; what it wrote stays, and its last writes may have been applied or may still \
                 be"
            }
        })
    }
}

/// What a script threw. It is the script's own text, and may hold values: it is for the script's caller alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thrown {
    /// The name of the error: `TypeError`.
    pub name: String,
    /// Its message.
    pub message: String,
    /// Where it was thrown, a line for each function.
    pub stack: String,
    /// Its code, if it has one: errors of the store do.
    pub code: Option<String>,
}

impl fmt::Debug for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thrown").finish_non_exhaustive()
    }
}

/// Where a source is no module of JavaScript.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// The line, from 1; 0 where it is not known, as for an import.
    pub line: u32,
    /// The column, from 1; 0 where it is not known.
    pub column: u32,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.message),
            line => write!(f, "line {line}, column {}: {}", self.column, self.message),
        }
    }
}

/// A line that a script logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The line.
    pub text: String,
}

impl fmt::Debug for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogLine({:?}, <{} bytes>)", self.level, self.text.len())
    }
}

/// How much a line of a script's log matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// `console.debug`
    Debug,
    /// `console.log`, `console.info`
    Info,
    /// `console.warn`
    Warn,
    /// `console.error`
    Error,
}

impl LogLevel {
    /// Its name: `info`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Why a run was not begun. Nothing was done.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refused {
    /// All workers are busy, and as many runs wait as may, or this one waited for as long as it may.
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// This caller has as many runs that are under way or wait as one caller may, or had all the workers that one caller may
    /// have for as long as this run may wait.
    CallerBusy,
    /// The input has more bytes than it may.
    InputTooLarge {
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// The source has more bytes than it may.
    SourceTooLarge,
    /// No worker could be started. The log has the reason.
    NoWorker,
    /// The worker that read a source to see whether it is a module ended over it, or took too long.
    NotChecked,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { .. } => {
                f.write_str("all workers are busy, and no more may wait, or not for longer; try again later")
            }
            Self::CallerBusy => f.write_str(
                "this caller's runs have all the workers that one caller may have, or as many run or wait as may at once; wait \
                 until one of them has ended",
            ),
            Self::InputTooLarge { bytes, limit } => {
                write!(f, "the input has {bytes} bytes; the limit is {limit}: store it, and pass its key")
            }
            Self::SourceTooLarge => {
                write!(f, "the source has more than {} bytes, which is the limit", crate::MAX_SOURCE_BYTES)
            }
            Self::NotChecked => f.write_str(
                "the worker that read the source ended or took too long, and nothing was deployed; try again later",
            ),
            Self::NoWorker => f.write_str("no worker could be started; the log of the program says why"),
        }
    }
}

impl std::error::Error for Refused {}
