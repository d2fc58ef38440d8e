//! `larder script delete`: removes a script with all its versions.

use clap::Args;
use larder_scripts::Removal;

use super::super::Session;
use super::Place;
use crate::exit::Exit;
use crate::failure::Outcome;

/// The arguments of `larder script delete`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The name of the script.
    name: String,
}

pub(super) async fn run(Delete { name }: Delete, session: &Session, place: &Place) -> Outcome<Exit> {
    match place.scripts()?.remove(&name).await? {
        Removal::NotThere => {
            session.output.note("there is no such script");
            Ok(Exit::Absent)
        }
        Removal::Done => Ok(Exit::Done),
    }
}
