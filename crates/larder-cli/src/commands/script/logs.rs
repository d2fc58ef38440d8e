//! `larder script logs`: what the last runs of a script logged.

use clap::Args;
use humantime::format_rfc3339_seconds;
use larder::Timestamp;
use larder_scripts::LoggedRun;
use serde::Serialize;

use super::super::Session;
use super::Place;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{Format, escaped};

/// The arguments of `larder script logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The name of the script.
    name: String,
    /// The most runs, the last ones.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
}

#[derive(Serialize)]
struct Record {
    runs: Vec<LoggedRun>,
}

pub(super) async fn run(command: Logs, session: &Session, place: &Place) -> Outcome<Exit> {
    let mut runs = Vec::new();
    let mut exit = Exit::Done;
    for run in place.logs()?.list(&command.name, command.limit.into()).await? {
        match run {
            Ok(run) => runs.push(run),
            Err(error) => {
                session.output.note(&error.to_string());
                exit = Exit::Error;
            }
        }
    }
    match session.output.format {
        // As people read: the last one at the end.
        Format::Text => runs.iter().rev().try_for_each(|run| lines(session, run))?,
        Format::Json => session.output.json(&Record { runs })?,
        Format::Ndjson => runs.iter().try_for_each(|run| session.output.json_line(run))?,
    }
    Ok(exit)
}

fn lines(session: &Session, run: &LoggedRun) -> Outcome<()> {
    let ended_at = format_rfc3339_seconds(Timestamp::from_millis(run.ended_at).to_system_time());
    let version = run.version.get(..12).unwrap_or(&run.version);
    session.output.line(&format!("{ended_at} {version} {} {} ms", run.outcome, run.took_millis))?;
    for line in &run.lines {
        session.output.line(&format!("  {} {}", line.level.as_str(), escaped(line.text.as_bytes())))?;
    }
    if run.is_cut {
        session.output.line("  …")?;
    }
    Ok(())
}
