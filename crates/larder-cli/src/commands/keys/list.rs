//! `larder keys list`: the keys, without their secrets.

use clap::Args;
use serde::Serialize;

use super::super::Session;
use super::keys;
use super::shown::ShownKey;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{Format, Rows};
use crate::target::Absence;

/// The arguments of `larder keys list`: none of its own.
#[derive(Debug, Args)]
pub(crate) struct List {}

#[derive(Serialize)]
struct Record {
    keys: Vec<ShownKey>,
}

pub(super) async fn run(List {}: List, session: &Session) -> Outcome<Exit> {
    let mut found = Vec::new();
    let mut exit = Exit::Done;
    for key in keys(session, Absence::Refused).await?.list().await? {
        match key {
            Ok(key) => found.push(ShownKey::of(&key)),
            Err(error) => {
                session.output.note(&error.to_string());
                exit = Exit::Error;
            }
        }
    }
    match session.output.format {
        Format::Text => {
            let mut rows = Rows::new([
                "ID",
                "LABEL",
                "NAMESPACE",
                "BINDINGS",
                "PERMISSIONS",
                "RATE",
                "CREATED",
                "EXPIRES",
            ]);
            found.into_iter().for_each(|key| rows.push(key.row()));
            session.output.rows(&rows)?;
        }
        Format::Json => session.output.json(&Record { keys: found })?,
        Format::Ndjson => found.iter().try_for_each(|key| session.output.json_line(key))?,
    }
    Ok(exit)
}
