//! The command line.

use clap::{Parser, Subcommand};

use crate::commands;
use crate::output::OutputArgs;
use crate::target::TargetArgs;

/// Small values with a use-by date, in whichever cloud's cupboard.
///
/// Without --binding or --url, commands use an embedded store in ./.larder.
///
/// Exit codes: 0 done, 1 error, 2 usage, 3 the key is absent, 4 the condition did not hold;
/// 130 and 143 when Ctrl-C or SIGTERM has ended it.
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
    /// Stores a value, and prints its version.
    Put(commands::put::Put),
    /// Makes a key absent.
    Delete(commands::delete::Delete),
    /// Says whether a key is there: prints true or false.
    Exists(commands::exists::Exists),
    /// Lists the entries under a prefix, in key order.
    Scan(commands::scan::Scan),
    /// Gives an entry another lifetime.
    Touch(commands::touch::Touch),
    /// Adds to a counter, and prints the result.
    Incr(commands::incr::Incr),
    /// Streams a store, or a prefix of it, into another.
    Copy(commands::copy::Copy),
    /// Writes entries to a file, as lines of JSON with checksums.
    Export(commands::export::Export),
    /// Writes the entries of an export into a store.
    Import(commands::import::Import),
    /// Removes what has expired, where the platform does not.
    Sweep(commands::sweep::Sweep),
    /// Says whether a store can be used, and what to do if not.
    Check(commands::check::Check),
    /// Says what a store holds: counts, sizes, lifetimes, and what a month of a load costs.
    Stats(commands::stats::Stats),
    /// Makes, lists and revokes the API keys of gateways.
    Keys(commands::keys::Keys),
    /// Deploys and runs scripts: functions in JavaScript beside the data.
    Script(commands::script::Script),
    /// Runs scripts for the process that started it.
    #[command(hide = true)]
    ScriptWorker,
    /// Serves stores over HTTP.
    Serve(commands::serve::Serve),
    /// Shows what `up` would do, and does nothing.
    Plan(commands::plan::PlanStack),
    /// Makes the stores of a stack, and writes their bindings.
    Up(commands::up::Up),
    /// Removes the stores of a stack and all that is in them.
    Down(commands::down::Down),
    /// Prints infrastructure code that makes the stores of a stack.
    Template(commands::template::PrintTemplate),
    /// Prints the completions of a shell.
    Completions(commands::completions::Completions),
    /// Writes the manual pages.
    Man(commands::man::Man),
}

impl Command {
    /// The name of a command that is about the stores of a stack, and not about one store.
    pub(crate) fn of_stack(&self) -> Option<&'static str> {
        match self {
            Self::Plan(_) => Some("plan"),
            Self::Up(_) => Some("up"),
            Self::Down(_) => Some("down"),
            Self::Template(_) => Some("template"),
            _ => None,
        }
    }
}
