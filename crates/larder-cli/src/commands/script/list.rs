//! `larder script list`: the scripts and their versions.

use clap::Args;
use serde::Serialize;

use super::super::Session;
use super::Place;
use super::shown::ShownScript;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{Format, Rows};

/// The arguments of `larder script list`: none of its own.
#[derive(Debug, Args)]
pub(crate) struct List {}

#[derive(Serialize)]
struct Record {
    scripts: Vec<ShownScript>,
}

pub(super) async fn run(List {}: List, session: &Session, place: &Place) -> Outcome<Exit> {
    let mut scripts = Vec::new();
    let mut exit = Exit::Done;
    for script in place.scripts()?.list().await? {
        match script {
            Ok(script) => scripts.push(ShownScript::of(&script)),
            Err(error) => {
                session.output.note(&error.to_string());
                exit = Exit::Error;
            }
        }
    }
    match session.output.format {
        Format::Text => {
            let mut rows = Rows::new(["NAME", "VERSION", "ACTIVE", "BYTES", "ACTIVATED"]);
            for script in scripts {
                for version in script.versions {
                    let active = if version.version == script.active { "yes" } else { "no" };
                    rows.push([
                        script.name.clone(),
                        version.version,
                        active.to_owned(),
                        version.bytes.to_string(),
                        version.activated_at,
                    ]);
                }
            }
            session.output.rows(&rows)?;
        }
        Format::Json => session.output.json(&Record { scripts })?,
        Format::Ndjson => scripts.iter().try_for_each(|script| session.output.json_line(script))?,
    }
    Ok(exit)
}
