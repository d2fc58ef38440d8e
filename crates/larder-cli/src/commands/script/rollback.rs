//! `larder script rollback`: makes an earlier version the one that runs.

use clap::Args;
use larder_scripts::{Expected, VersionId};

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
    /// Only if this version is active. Without it and --to, a repeat goes forth again.
    #[arg(long, value_name = "VERSION")]
    if_active: Option<VersionId>,
}

pub(super) async fn run(command: Rollback, session: &Session, place: &Place) -> Outcome<Exit> {
    let Rollback { name, to, if_active } = command;
    let expected = if_active.map_or(Expected::Any, Expected::Active);
    changed(&session.output, &place.scripts()?.rollback(&name, to, expected).await?)
}
