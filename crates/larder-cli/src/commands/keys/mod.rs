//! `larder keys`: the API keys of gateways.

mod create;
mod list;
mod revoke;
mod shown;

use clap::{Args, Subcommand};
use larder_gateway::KeyStore;

use super::Session;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::target::Absence;

/// The API keys in a store, which is that of the first binding that a gateway serves, or of its --keys-in.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a key and prints it, this once.
    Create(create::Create),
    /// Lists the keys, without their secrets.
    List(list::List),
    /// Makes a key good for nothing.
    Revoke(revoke::Revoke),
}

pub(crate) async fn run(Keys { command }: Keys, session: &Session) -> Outcome<Exit> {
    match command {
        Command::Create(command) => create::run(command, session).await,
        Command::List(command) => list::run(command, session).await,
        Command::Revoke(command) => revoke::run(command, session).await,
    }
}

async fn keys(session: &Session, absence: Absence) -> Outcome<KeyStore> {
    Ok(KeyStore::new(&session.target.target().open(absence).await?)?)
}
