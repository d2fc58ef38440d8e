//! One run of a script, on one thread, in an engine that is fresh.
//!
//! The engine is QuickJS. Its runtime and its context are made once in a process, in a region of memory of their own, and
//! after each run all bytes in use there are what they were before it: one run finds nothing of another, as if both had been
//! made for it. To copy what they take is several times as fast as to make them.
//! A source is compiled in a context that has all of the language, and runs in one without `eval`, where no text can
//! become code. The engine looks at its limits between instructions, but not within some of its own long loops: what
//! stops those is the parent, which kills the process.

mod bridge;
mod clock;
mod code;
mod convert;
mod memory;
mod natives;
mod raw;
mod run;
mod thrown;
mod vm;

pub(crate) use self::bridge::Port;
pub(crate) use self::code::Codes;
pub(crate) use self::run::{run, warm_up};
pub(crate) use self::vm::Vm;
