//! `larder exists`: says whether a key is there.

use clap::Args;
use serde::Serialize;

use super::Session;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::Format;
use crate::target::Absence;

/// The arguments of `larder exists`.
#[derive(Debug, Args)]
pub(crate) struct Exists {
    /// The key.
    key: String,
}

#[derive(Serialize)]
struct Record<'a> {
    key: &'a str,
    exists: bool,
}

pub(crate) async fn run(command: Exists, session: &Session) -> Outcome<Exit> {
    let kv = session.target.target().open(Absence::Refused).await?;
    let exists = kv.exists(&command.key).await?;
    match session.output.format {
        Format::Text => session.output.line(if exists { "true" } else { "false" })?,
        Format::Json | Format::Ndjson => session.output.json(&Record { key: &command.key, exists })?,
    }
    Ok(if exists { Exit::Done } else { Exit::Absent })
}
