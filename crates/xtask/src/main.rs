//! The repository's chores: `cargo xtask test`, `cargo xtask ci`, `cargo xtask emulators`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

mod checks;
mod emulators;
mod templates;

/// The repository's chores.
#[derive(Debug, Parser)]
enum Task {
    /// Runs every test: units, documentation, conformance, integration, and each feature combination; and the linters of the
    /// infrastructure code.
    Test,
    /// Holds the infrastructure code that `larder template` prints to its linters.
    Templates,
    /// Runs what has to pass before a merge: formatting, lints, documentation, tests, dependencies.
    Ci,
    /// Starts, stops and lists the emulators that tests run against.
    #[command(subcommand)]
    Emulators(emulators::Task),
}

/// What a chore ends with. The message is for a person, and is all that is ever done with it.
type Outcome<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Test => checks::test(),
        Task::Templates => templates::lint(),
        Task::Ci => checks::ci(),
        Task::Emulators(task) => emulators::run(task),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            say(&what);
            ExitCode::FAILURE
        }
    }
}

/// Tells a person how it goes. Standard output is for what a shell evaluates.
///
/// Nobody may be reading any more, as in `cargo xtask test 2>&1 | head`. Emulators must still be stopped.
fn say(what: &str) {
    let _ = writeln!(io::stderr(), "xtask: {what}");
}

/// The folder of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
