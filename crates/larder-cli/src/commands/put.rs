//! `larder put`: stores a value.

use std::time::Duration;

use clap::Args;
use larder::{PutOptions, PutOutcome};

use super::Session;
use crate::condition::PutConditionArgs;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::input::ValueArgs;
use crate::lifetime;
use crate::output::{WriteOutcome, WriteRecord};
use crate::target::Absence;

/// The arguments of `larder put`.
#[derive(Debug, Args)]
pub(crate) struct Put {
    /// The key.
    key: String,
    #[command(flatten)]
    value: ValueArgs,
    /// How long the entry lives: 500ms, 30s, 5m, 12h, 30d, 2w. Without it, for ever, also over an entry that had a TTL.
    #[arg(long, value_name = "LIFETIME", value_parser = lifetime::parse)]
    ttl: Option<Duration>,
    #[command(flatten)]
    condition: PutConditionArgs,
}

pub(crate) async fn run(command: Put, session: &Session) -> Outcome<Exit> {
    let value = command.value.read()?;
    let mut options = PutOptions::new();
    options.ttl = command.ttl;
    options.condition = command.condition.condition();
    let kv = session.target.target().open(Absence::Made).await?;
    match kv.put(&command.key, value, options).await? {
        PutOutcome::Stored(version) => {
            let record = WriteRecord::new(&command.key, WriteOutcome::Stored).version(&version);
            session.output.write(&record)
        }
        PutOutcome::ConditionFailed(seen) => {
            session.output.write(&WriteRecord::condition_failed(&command.key, &seen))
        }
    }
}
