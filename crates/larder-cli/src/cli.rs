//! The command line.

use clap::{Parser, Subcommand};

use crate::commands;
use crate::output::OutputArgs;
use crate::target::TargetArgs;

/// Small values with a use-by date, in whichever cloud's cupboard.
///
/// Without --binding or --url, commands use an embedded store in ./.larder.
///
/// Exit codes: 0 done, 1 error, 2 usage, 3 the key is absent, 4 the condition did not hold.
#[derive(Debug, Parser)]
#[command(name = "larder", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prints a value.
    Get(commands::get::Get),
    /// Shows what `up` would do, and does nothing.
    Plan(commands::plan::PlanStack),
    /// Makes the stores of a stack, and writes their bindings.
    Up(commands::up::Up),
    /// Removes the stores of a stack and all that is in them.
    Down(commands::down::Down),
    /// Prints infrastructure code that makes the stores of a stack.
    Template(commands::template::PrintTemplate),
}
