//! One run of a script, on one thread: an engine of its own, which is gone with it.
//!
//! The engine is QuickJS, in a runtime and a context that are made for the run, so that one run finds nothing of another.
//! A source is compiled in a context that has all of the language, and runs in one without `eval`, where no text can
//! become code. The engine looks at its limits between instructions, but not within some of its own long loops: what
//! stops those is the parent, which kills the process.

mod bridge;
mod clock;
mod code;
mod convert;
mod raw;
mod run;
mod thrown;

pub(crate) use self::bridge::Port;
pub(crate) use self::code::Codes;
pub(crate) use self::run::{run, warm_up};
