//! What the program `larder` does, as a library, so that tests and other programs can use it.
//!
//! The commands and what they print are described in `docs/cli.md`.

mod cli;
mod commands;
mod exit;
mod failure;
mod output;
mod target;

pub use cli::Cli;
pub use commands::{main, run};
pub use exit::Exit;
pub use failure::{Failure, Outcome};
