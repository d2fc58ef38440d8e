//! What the program `larder` does, as a library, so that tests and other programs can use it.
//!
//! The commands and what they print are described in `docs/cli.md`.

mod care;
mod cli;
mod clock;
mod commands;
mod condition;
mod exit;
mod failure;
mod input;
mod interrupt;
mod lifetime;
mod memory;
mod moving;
mod output;
mod stats;
mod target;

pub use cli::Cli;
pub use commands::{main, run};
pub use exit::Exit;
pub use failure::{Failure, Outcome};
pub use memory::Memory;
