//! `larder man`: writes the manual pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::Session;
use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// The arguments of `larder man`.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Where to write a page for each command; without it, the page of the program goes to the standard output.
    dir: Option<PathBuf>,
}

pub(crate) fn run(command: &Man, session: &Session) -> Outcome<Exit> {
    match &command.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir)
                .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
                .map_err(|error| Failure::at(dir.display(), &error))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(|error| Failure::at("the page", &error))?;
            session.output.bytes(&page)?;
        }
    }
    Ok(Exit::Done)
}
