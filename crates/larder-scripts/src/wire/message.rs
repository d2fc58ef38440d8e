//! The messages.

use serde::{Deserialize, Serialize};

use super::call::{Answer, Call, Refusal};
use crate::outcome::{LogLine, SyntaxError, Thrown};

/// What a parent says.
#[derive(Serialize, Deserialize)]
pub(crate) enum ToWorker {
    /// The first message: within what to live.
    Setup(Setup),
    /// What to run.
    Run(Run),
    /// The answer to a call.
    Reply { id: u32, answer: Result<Answer, Refusal> },
}

/// Within what a worker lives.
#[derive(Serialize, Deserialize)]
pub(crate) struct Setup {
    /// Memory of a script's values, in bytes.
    pub(crate) heap_bytes: u64,
    /// Address space beyond what the process has when it begins, in bytes.
    pub(crate) memory_bytes: u64,
    /// Processor time of all runs, in seconds.
    pub(crate) cpu_seconds: u64,
}

/// A run.
#[derive(Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) mode: Mode,
    pub(crate) name: String,
    pub(crate) version: String,
    /// The SHA-256 of the source.
    pub(crate) hash: [u8; 32],
    pub(crate) source: String,
    /// JSON.
    pub(crate) input: Option<String>,
    pub(crate) heap_bytes: u64,
    pub(crate) stack_bytes: u64,
    pub(crate) cpu_micros: u64,
    pub(crate) wall_millis: u64,
    pub(crate) host_calls: u32,
    pub(crate) output_bytes: u64,
}

/// What to do with a source.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    /// Read it, and say whether it is a module.
    Check,
    /// Call what it exports.
    Run,
}

/// What a worker says.
#[derive(Serialize, Deserialize)]
pub(crate) enum FromWorker {
    /// The first message: it lives within what it was told.
    Ready(Confinement),
    /// Something for the script's log.
    Log(LogLine),
    /// More was logged than is kept.
    LogsCut,
    /// A call on the store.
    Call { id: u32, call: Call },
    /// The run has ended. Nothing more is said of it.
    Done(End),
}

/// How a run ended.
#[derive(Serialize, Deserialize)]
pub(crate) enum End {
    /// It is a module.
    Checked,
    /// It returned this, as JSON.
    Returned(String),
    Threw(Thrown),
    Syntax(SyntaxError),
    Cpu,
    Memory,
    OutputTooLarge(u64),
}

/// What keeps a worker in, beside that it is a process of its own with an empty environment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Confinement {
    /// Whether the kernel limits its memory, processor time, open files and file sizes.
    pub limits: bool,
    /// Whether it can never gain privileges.
    pub no_new_privileges: bool,
    /// Whether the kernel refuses it all system calls but the few that it needs.
    pub seccomp: bool,
}

impl Confinement {
    pub(crate) fn new(limits: bool, no_new_privileges: bool, seccomp: bool) -> Self {
        Self { limits, no_new_privileges, seccomp }
    }
}
