//! `larder get`: prints a value.

use clap::Args;

use super::Session;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::EncodingArg;
use crate::target::Absence;

/// The arguments of `larder get`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The key.
    key: String,
    #[command(flatten)]
    encoding: EncodingArg,
}

pub(crate) async fn run(command: Get, session: &Session) -> Outcome<Exit> {
    let kv = session.target.target().open(Absence::Refused).await?;
    match kv.get_entry(&command.key).await? {
        Some(entry) => {
            session.output.value(&entry, command.encoding.encoding)?;
            Ok(Exit::Done)
        }
        None => Ok(Exit::Absent),
    }
}
