//! `larder keys revoke`: makes a key good for nothing.

use clap::Args;
use larder_gateway::{KeyId, REVOKED_WITHIN};

use super::super::Session;
use super::keys;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::lifetime;
use crate::target::Absence;

/// The arguments of `larder keys revoke`.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The id of the key, as lists show it.
    #[arg(value_name = "ID")]
    id: KeyId,
}

pub(super) async fn run(Revoke { id }: Revoke, session: &Session) -> Outcome<Exit> {
    if !keys(session, Absence::Refused).await?.revoke(id).await? {
        session.output.note(&format!("there is no key {id}"));
        return Ok(Exit::Absent);
    }
    session.output.note(&format!(
        "revoked; gateways that run take it for {} more at most",
        lifetime::shown(REVOKED_WITHIN)
    ));
    Ok(Exit::Done)
}
