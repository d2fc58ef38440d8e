//! `larder touch`: gives an entry another lifetime.

use std::time::Duration;

use clap::Args;
use larder::{TouchOptions, TouchOutcome};

use super::Session;
use crate::condition::VersionArg;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::lifetime;
use crate::output::{WriteOutcome, WriteRecord};
use crate::target::Absence;

/// The arguments of `larder touch`.
#[derive(Debug, Args)]
pub(crate) struct Touch {
    /// The key.
    key: String,
    #[command(flatten)]
    lifetime: Lifetime,
    #[command(flatten)]
    version: VersionArg,
}

/// The new lifetime. There is no default: to remove a TTL by an oversight would keep entries for ever.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Lifetime {
    /// How long the entry lives from now: 500ms, 30s, 5m, 12h, 30d, 2w.
    #[arg(long, value_name = "LIFETIME", value_parser = lifetime::parse)]
    ttl: Option<Duration>,
    /// Lets the entry live until it is deleted or replaced.
    #[arg(long)]
    persist: bool,
}

pub(crate) async fn run(command: Touch, session: &Session) -> Outcome<Exit> {
    let mut options = match command.lifetime.ttl {
        Some(ttl) => TouchOptions::expire_after(ttl),
        None => TouchOptions::persist(),
    };
    options.version = command.version.if_version;
    let kv = session.target.target().open(Absence::Refused).await?;
    let key = &command.key;
    match kv.touch(key, options).await? {
        TouchOutcome::Touched(version) => {
            session.output.write(&WriteRecord::new(key, WriteOutcome::Touched).version(&version))
        }
        TouchOutcome::Absent => session.output.write(&WriteRecord::new(key, WriteOutcome::Absent)),
        TouchOutcome::ConditionFailed(seen) => {
            session.output.write(&WriteRecord::condition_failed(key, &seen))
        }
    }
}
