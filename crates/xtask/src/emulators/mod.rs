//! The emulators that tests run against: installed once, started on free loopback ports, and stopped again.

use std::process::Command;

use clap::Subcommand;

use crate::Outcome;

mod browser;
mod cache;
mod docker;
mod down;
mod install;
mod kind;
mod launch;
mod probe;
mod process;
mod schemathesis;
mod session;
mod state;
mod status;
mod up;
mod workerd;

use kind::Emulator;

pub(crate) use cache::Cache;
pub(crate) use install::packages_of_python;
pub(crate) use session::Session;

/// Starts, stops and lists the emulators that tests run against.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Starts emulators, and prints the variables that tests read: eval "$(cargo xtask emulators up)".
    Up {
        /// Which ones; without names, those that the tests need.
        #[arg(conflicts_with = "docker")]
        names: Vec<Emulator>,
        /// Starts the containers of docker-compose.yml instead.
        #[arg(long)]
        docker: bool,
    },
    /// Stops what `up` started.
    Down {
        /// Stops the containers of docker-compose.yml instead.
        #[arg(long)]
        docker: bool,
    },
    /// Runs a command with those that the tests need and with their variables, and stops what it started for that.
    Run {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Prints what runs.
    Status,
}

pub(crate) fn run(task: Task) -> Outcome {
    match task {
        Task::Up { docker: true, .. } => docker::up(),
        Task::Up { names, docker: false } => {
            let cache = Cache::open()?;
            let is_all = names.is_empty();
            let wanted = if is_all { Emulator::NEEDED_BY_TESTS.to_vec() } else { names };
            for entry in up::up(&cache, &wanted, None)? {
                print_export(&entry.variable(), &entry.address());
            }
            // No emulators, but what the tests need beside them.
            if is_all {
                print_export(schemathesis::VARIABLE, &schemathesis::install(&cache)?);
                for (variable, path) in
                    browser::variables(&cache)?.into_iter().chain(workerd::variable(&cache)?)
                {
                    print_export(&variable, &path);
                }
            }
            Ok(())
        }
        Task::Down { docker: true } => docker::down(),
        Task::Down { docker: false } => down::down(&Cache::open()?),
        Task::Run { command } => with_them(&command),
        Task::Status => status::status(&Cache::open()?),
    }
}

fn with_them(command: &[String]) -> Outcome {
    let [program, arguments @ ..] = command else { return Err("there is no command to run".to_owned()) };
    // Dropped on every way out, also after a command that failed: that stops what was started here.
    let session = Session::start()?;
    let status = Command::new(program).args(arguments).envs(session.variables()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", command.join(" "))),
        Err(error) => Err(format!("{program} could not be started: {error}")),
    }
}

/// Nothing else may go to standard output, because a shell evaluates it.
fn print_export(variable: &str, address: &str) {
    println!("export {variable}={address}");
}

/// The variable in which tests look for the emulator of this name.
fn variable(name: &str) -> String {
    format!("LARDER_EMULATOR_{}", name.to_uppercase())
}
