//! `larder incr`: adds to a counter.

use std::time::Duration;

use clap::Args;

use super::Session;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::lifetime;
use crate::output::{WriteOutcome, WriteRecord};
use crate::target::Absence;

/// The arguments of `larder incr`.
#[derive(Debug, Args)]
pub(crate) struct Incr {
    /// The key.
    key: String,
    /// What to add; a negative number takes away.
    #[arg(default_value_t = 1, allow_negative_numbers = true)]
    delta: i64,
    /// How long a counter lives that this makes; one that is there keeps its lifetime.
    #[arg(long, value_name = "LIFETIME", value_parser = lifetime::parse)]
    ttl: Option<Duration>,
}

pub(crate) async fn run(command: Incr, session: &Session) -> Outcome<Exit> {
    let kv = session.target.target().open(Absence::Made).await?;
    let number = kv.increment(&command.key, command.delta, command.ttl).await?;
    session.output.write(&WriteRecord::new(&command.key, WriteOutcome::Counted).number(number))
}
