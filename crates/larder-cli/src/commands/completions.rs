//! `larder completions`: prints the completions of a shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Session;
use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Outcome;

/// The arguments of `larder completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(command: &Completions, session: &Session) -> Outcome<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Cli::command(), "larder", &mut script);
    session.output.bytes(&script)?;
    Ok(Exit::Done)
}
