//! `larder script deploy`: stores a script, and makes it the version that runs.

use std::path::PathBuf;

use clap::Args;
use larder_scripts::{Access, Expected, MAX_SOURCE_BYTES, Request, Script, VersionId, check_script_name};

use super::super::Session;
use super::shown::{changed, refused};
use super::{Place, pool};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// The arguments of `larder script deploy`.
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// The name of the script.
    name: String,
    /// The file with its source: a module of JavaScript, up to 256 KiB.
    file: PathBuf,
    /// Only if this version is active.
    #[arg(long, value_name = "VERSION")]
    if_active: Option<VersionId>,
}

impl Deploy {
    /// Refuses what no store would take, before one is opened.
    pub(super) fn check(&self) -> Outcome<()> {
        check_script_name(&self.name)?;
        let length =
            std::fs::metadata(&self.file).map_err(|error| Failure::at(self.file.display(), &error))?.len();
        if length > MAX_SOURCE_BYTES as u64 {
            return Err(Failure::Usage(format!(
                "{} has {length} bytes; a script has up to {MAX_SOURCE_BYTES}: leave out what it does not use",
                self.file.display()
            )));
        }
        Ok(())
    }
}

pub(super) async fn run(command: Deploy, session: &Session, place: &Place) -> Outcome<Exit> {
    let Deploy { name, file, if_active } = command;
    let source = std::fs::read_to_string(&file).map_err(|error| Failure::at(file.display(), &error))?;
    // Read as a module where whatever it holds can do no harm.
    let request = Request {
        script: Script::of(&name, &source),
        input: None,
        access: Access::none(place.data()?),
        tenant: String::new(),
        caller: String::new(),
    };
    pool()?.check(request).await.map_err(|reason| refused(&reason))?.map_err(|error| {
        let at = match error.line {
            0 => String::new(),
            line => format!(":{line}:{}", error.column),
        };
        Failure::Usage(format!("{}{at}: {}", file.display(), error.message))
    })?;
    let expected = if_active.map_or(Expected::Any, Expected::Active);
    changed(&session.output, &place.scripts()?.deploy(&name, &source, expected).await?)
}
