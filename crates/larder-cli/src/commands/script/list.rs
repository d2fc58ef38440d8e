//! `larder script list`: the scripts and their versions.

use clap::Args;
use larder_scripts::Unreadable;
use serde::Serialize;

use super::super::Session;
use super::Place;
use super::shown::ShownScript;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{Format, Rows, escaped};

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
            Err(Unreadable { name, error, .. }) => {
                let name = name.map_or_else(|| "a script".to_owned(), |name| escaped(name.as_bytes()));
                session.output.note(&format!("{name}: {error}"));
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
