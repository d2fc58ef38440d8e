//! The conditions of writes, as flags.

use clap::Args;
use larder::{Condition, Version};

/// The condition of a put.
#[derive(Debug, Args)]
pub(crate) struct PutConditionArgs {
    /// Only if the key is absent.
    #[arg(long, conflicts_with = "if_version")]
    if_absent: bool,
    #[command(flatten)]
    version: VersionArg,
}

/// The condition of a delete or a touch.
#[derive(Debug, Args)]
pub(crate) struct VersionArg {
    /// Only if the entry still has this version, as put, get --output json and scan --output json print it.
    #[arg(long, value_name = "VERSION")]
    pub(crate) if_version: Option<Version>,
}

impl PutConditionArgs {
    pub(crate) fn condition(self) -> Condition {
        match self.version.if_version {
            Some(version) => Condition::IfVersion(version),
            None if self.if_absent => Condition::IfAbsent,
            None => Condition::Always,
        }
    }
}
