//! `larder script`: scripts in a store.

mod delete;
mod deploy;
mod list;
mod logs;
mod rollback;
mod run;
mod shown;

use clap::{Args, Subcommand};
use larder::{Kv, check_resource_id};
use larder_scripts::{Pool, PoolOptions, RunLogs, ScriptStore, WorkerProgram};

use super::Session;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::target::Absence;

/// The argument by which this program is started as a worker.
const WORKER: &str = "script-worker";
/// Tells the allocator not to ask for a gigabyte of addresses at once: a worker's limit begins with those that it has.
const NO_RESERVE: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "0");

/// The scripts in a store, which is that of the first binding that a gateway serves.
#[derive(Debug, Args)]
pub(crate) struct Script {
    /// Whose scripts: those of API keys with this namespace; those of keys without one unless told.
    #[arg(long, global = true, value_name = "ID")]
    namespace: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Stores a script, and makes it the version that runs.
    Deploy(deploy::Deploy),
    /// Lists the scripts and their versions.
    List(list::List),
    /// Makes an earlier version the one that runs.
    Rollback(rollback::Rollback),
    /// Runs a script on this machine, and prints what it returns as JSON.
    Run(run::Run),
    /// Prints what the last runs of a script logged.
    Logs(logs::Logs),
    /// Removes a script with all its versions.
    Delete(delete::Delete),
}

/// The store of a command, and whose scripts it is about.
struct Place {
    kv: Kv,
    namespace: Option<String>,
}

pub(crate) async fn run(Script { namespace, command }: Script, session: &Session) -> Outcome<Exit> {
    if let Some(namespace) = &namespace {
        check_resource_id(namespace)?;
    }
    let absence = if matches!(command, Command::Deploy(_)) { Absence::Made } else { Absence::Refused };
    if let Command::Deploy(command) = &command {
        // Before a store is made for nothing.
        command.check()?;
    }
    let place = Place { kv: session.target.target().open(absence).await?, namespace };
    match command {
        Command::Deploy(command) => deploy::run(command, session, &place).await,
        Command::List(command) => list::run(command, session, &place).await,
        Command::Rollback(command) => rollback::run(command, session, &place).await,
        Command::Run(command) => run::run(command, session, &place).await,
        Command::Logs(command) => logs::run(command, session, &place).await,
        Command::Delete(command) => delete::run(command, session, &place).await,
    }
}

impl Place {
    fn scripts(&self) -> Outcome<ScriptStore> {
        Ok(ScriptStore::new(&self.kv, self.namespace.as_deref())?)
    }

    fn logs(&self) -> Outcome<RunLogs> {
        Ok(RunLogs::new(&self.kv, self.namespace.as_deref())?)
    }

    /// The part of the store that its scripts reach.
    fn data(&self) -> Outcome<Kv> {
        Ok(match &self.namespace {
            None => self.kv.clone(),
            Some(namespace) => self.kv.with_prefix(namespace)?,
        })
    }
}

/// Workers: this program, started anew.
pub(crate) fn pool_options() -> Outcome<PoolOptions> {
    let program = WorkerProgram::this().map_err(|error| Failure::at("the path of this program", &error))?;
    let (name, value) = NO_RESERVE;
    Ok(PoolOptions::new(program.arg(WORKER).env(name, value)))
}

fn pool() -> Outcome<Pool> {
    Ok(Pool::new(pool_options()?.workers(1)))
}
