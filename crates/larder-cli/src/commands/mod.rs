//! The commands, one file for each.

mod ask;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod copy;
pub(crate) mod delete;
pub(crate) mod down;
pub(crate) mod exists;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod incr;
pub(crate) mod keys;
pub(crate) mod man;
pub(crate) mod plan;
pub(crate) mod put;
pub(crate) mod scan;
pub(crate) mod script;
pub(crate) mod serve;
mod stack;
pub(crate) mod stats;
pub(crate) mod sweep;
pub(crate) mod template;
pub(crate) mod touch;
pub(crate) mod up;

use std::error::Error as StdError;
use std::pin::pin;
use std::process::ExitCode;

use clap::Parser;
use futures_util::future::{Either, select};

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt::{self, Interrupt};
use crate::output::{Closed, Output};
use crate::target::TargetArgs;

/// What every command is given beside its own arguments.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) target: TargetArgs,
    pub(crate) output: Output,
}

/// Runs the command line of this process, and says on stderr why, if it could not be done.
pub fn main() -> ExitCode {
    // Wrong command lines end here, with exit code 2.
    let cli = Cli::parse();
    if matches!(cli.command, Command::ScriptWorker) {
        // Before there is any other thread, which would keep what a worker gives away.
        return larder_scripts::serve_worker();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = match &cli.command {
                // It ends by itself when a signal comes, once what it was asked is done.
                Command::Serve(_) => runtime.block_on(async { Ok(run(cli).await) }),
                _ => runtime.block_on(until_interrupted(run(cli))),
            };
            if ended.is_err() {
                // What other threads are at is given up with the rest.
                runtime.shutdown_background();
            }
            ended
        }
        Err(error) => Ok(Err(Failure::at("the runtime", &error))),
    };
    let outcome = match ended {
        Ok(outcome) => outcome,
        Err(interrupt) => return interrupt.end(),
    };
    outcome
        .unwrap_or_else(|failure| {
            report(&failure);
            failure.exit()
        })
        .into()
}

/// Does the work, or drops it when a signal comes, so that its temporary files go.
async fn until_interrupted(work: impl Future<Output = Outcome<Exit>>) -> Result<Outcome<Exit>, Interrupt> {
    match select(pin!(work), pin!(interrupt::signal())).await {
        Either::Left((outcome, _)) => Ok(outcome),
        Either::Right((interrupt, _)) => Err(interrupt),
    }
}

/// Runs one command, and prints to this process's output.
///
/// # Errors
///
/// Why it could not be done; [`Failure::exit`] is the exit code of that.
pub async fn run(cli: Cli) -> Outcome<Exit> {
    if let (Some(name), true) = (cli.command.of_stack(), cli.target.is_given()) {
        return Err(Failure::Usage(format!(
            "{name} is about the stores of a stack, and takes no --binding or --url: name the stack with --stack, and the \
             place with --platform"
        )));
    }
    let closed = match cli.command {
        Command::Scan(_) | Command::Get(_) | Command::Completions(_) | Command::Man(_) => Closed::Ends,
        Command::Put(_)
        | Command::Delete(_)
        | Command::Touch(_)
        | Command::Incr(_)
        | Command::Copy(_)
        | Command::Import(_)
        | Command::Sweep(_) => Closed::WasDone,
        _ => Closed::GoesOn,
    };
    let session = Session { target: cli.target, output: Output::new(cli.output, closed) };
    match cli.command {
        Command::Get(command) => get::run(command, &session).await,
        Command::Put(command) => put::run(command, &session).await,
        Command::Delete(command) => delete::run(command, &session).await,
        Command::Exists(command) => exists::run(command, &session).await,
        Command::Scan(command) => scan::run(command, &session).await,
        Command::Touch(command) => touch::run(command, &session).await,
        Command::Incr(command) => incr::run(command, &session).await,
        Command::Copy(command) => copy::run(command, &session).await,
        Command::Export(command) => export::run(command, &session).await,
        Command::Import(command) => import::run(command, &session).await,
        Command::Sweep(command) => sweep::run(command, &session).await,
        Command::Check(command) => check::run(command, &session).await,
        Command::Stats(command) => stats::run(command, &session).await,
        Command::Keys(command) => keys::run(command, &session).await,
        Command::Script(command) => script::run(command, &session).await,
        Command::ScriptWorker => {
            Err(Failure::Usage("script-worker is for larder itself, which starts it".to_owned()))
        }
        Command::Serve(command) => serve::run(command, &session).await,
        Command::Plan(command) => plan::run(command, &session).await,
        Command::Up(command) => up::run(command, &session).await,
        Command::Down(command) => down::run(command, &session).await,
        Command::Template(command) => template::run(command, &session).await,
        Command::Completions(command) => completions::run(&command, &session),
        Command::Man(command) => man::run(&command, &session),
    }
}

fn report(failure: &Failure) {
    if matches!(failure, Failure::OutputClosed) {
        return;
    }
    eprintln!("larder: {failure}");
    let mut shown = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Libraries often repeat their source in their own message.
        if !shown.contains(&text) {
            eprintln!("  because: {text}");
        }
        shown = text;
        cause = error.source();
    }
}
