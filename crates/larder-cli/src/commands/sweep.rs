//! `larder sweep`: removes what has expired, where the platform does not.

use clap::Args;
use larder::SweepOutcome;
use serde::Serialize;

use super::Session;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::Format;
use crate::target::Absence;

/// The arguments of `larder sweep`: none of its own.
#[derive(Debug, Args)]
pub(crate) struct Sweep {}

#[derive(Serialize)]
struct Record {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<usize>,
}

pub(crate) async fn run(Sweep {}: Sweep, session: &Session) -> Outcome<Exit> {
    let kv = session.target.target().open(Absence::Refused).await?;
    let (record, text) = match kv.sweep().await? {
        SweepOutcome::Swept { removed } => (
            Record { outcome: "swept", removed: Some(removed) },
            format!("removed {removed} expired entries"),
        ),
        SweepOutcome::InProgressElsewhere => (
            Record { outcome: "in_progress_elsewhere", removed: None },
            "another process is sweeping".to_owned(),
        ),
        SweepOutcome::DoneByPlatform => (
            Record { outcome: "done_by_platform", removed: None },
            "the platform removes expired entries by itself".to_owned(),
        ),
    };
    match session.output.format {
        Format::Text => session.output.line(&text)?,
        Format::Json | Format::Ndjson => session.output.json(&record)?,
    }
    Ok(Exit::Done)
}
