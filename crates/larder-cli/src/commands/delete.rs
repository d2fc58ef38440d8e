//! `larder delete`: makes a key absent.

use clap::Args;
use larder::DeleteOutcome;

use super::Session;
use crate::condition::VersionArg;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{WriteOutcome, WriteRecord};
use crate::target::Absence;

/// The arguments of `larder delete`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The key.
    key: String,
    #[command(flatten)]
    version: VersionArg,
}

pub(crate) async fn run(command: Delete, session: &Session) -> Outcome<Exit> {
    let kv = session.target.target().open(Absence::Refused).await?;
    let deleted = WriteRecord::new(&command.key, WriteOutcome::Deleted);
    let Some(version) = command.version.if_version else {
        kv.delete(&command.key).await?;
        return session.output.write(&deleted);
    };
    match kv.delete_if_version(&command.key, version).await? {
        DeleteOutcome::Deleted => session.output.write(&deleted),
        DeleteOutcome::ConditionFailed(seen) => {
            session.output.write(&WriteRecord::condition_failed(&command.key, &seen))
        }
    }
}
