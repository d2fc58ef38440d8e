//! `larder keys create`: makes a key and prints it, this once.

use std::time::Duration;

use clap::Args;
use larder_gateway::{Grant, Permission, Rate};
use serde::Serialize;

use super::super::Session;
use super::keys;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::lifetime;
use crate::output::Format;
use crate::target::Absence;

/// The arguments of `larder keys create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What the key may do: read, write, delete, scan, scripts:run, scripts:write.
    #[arg(long, value_name = "PERMISSION", required = true, value_delimiter = ',')]
    allow: Vec<Permission>,
    /// The part of every binding that it reaches; all of it unless told.
    #[arg(long, value_name = "ID")]
    namespace: Option<String>,
    /// A binding that it opens; every one that the gateway serves unless told. May be given more than once.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// How many requests it may make: 100/s, 600/m, 1000/h; as many as it likes unless told.
    #[arg(long, value_name = "RATE")]
    rate: Option<Rate>,
    /// How long it is good; for ever unless told.
    #[arg(long, value_name = "LIFETIME", value_parser = lifetime::parse)]
    expires_in: Option<Duration>,
    /// Who has it, for people.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
}

#[derive(Serialize)]
struct Record {
    id: String,
    key: String,
}

pub(super) async fn run(command: Create, session: &Session) -> Outcome<Exit> {
    let mut grant = Grant::new(command.allow);
    grant.label = command.label;
    grant.namespace = command.namespace;
    grant.rate = command.rate;
    if !command.only.is_empty() {
        grant = grant.bindings(command.only);
    }
    let key = keys(session, Absence::Made).await?.create(&grant, command.expires_in).await?;
    match session.output.format {
        Format::Text => session.output.line(&key.expose())?,
        Format::Json | Format::Ndjson => {
            session.output.json(&Record { id: key.id().to_string(), key: key.expose() })?;
        }
    }
    session.output.note("keep it now: it is stored nowhere, and not shown again");
    Ok(Exit::Done)
}
