//! `larder script rollback`: makes an earlier version the one that runs.

use clap::Args;
use larder_scripts::VersionId;

use super::super::Session;
use super::Place;
use super::shown::changed;
use crate::exit::Exit;
use crate::failure::Outcome;

/// The arguments of `larder script rollback`.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The name of the script.
    name: String,
    /// The version, as lists show it; the one that was active before unless told.
    #[arg(long, value_name = "VERSION")]
    to: Option<VersionId>,
}

pub(super) async fn run(command: Rollback, session: &Session, place: &Place) -> Outcome<Exit> {
    changed(&session.output, &place.scripts()?.rollback(&command.name, command.to).await?)
}
