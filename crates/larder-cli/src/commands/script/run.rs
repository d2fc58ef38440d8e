//! `larder script run`: runs a script on this machine, and prints what it returns.

use std::io::Read;

use clap::Args;
use larder_scripts::{Access, Failure as RunFailure, LogLevel, Report, Request};
use serde_json::value::RawValue;

use super::super::Session;
use super::shown::refused;
use super::{Place, pool};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::escaped;

/// The arguments of `larder script run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The name of the script.
    name: String,
    /// Its input, as JSON; - is the standard input; nothing is `undefined`.
    #[arg(allow_negative_numbers = true)]
    input: Option<String>,
}

pub(super) async fn run(command: Run, session: &Session, place: &Place) -> Outcome<Exit> {
    let input = command.input.map(read).transpose()?;
    let Some(script) = place.scripts()?.load(&command.name, None).await? else {
        session.output.note("there is no such script");
        return Ok(Exit::Absent);
    };
    let request = Request {
        script: script.clone(),
        input,
        access: Access::all(place.data()?),
        tenant: String::new(),
        caller: String::new(),
    };
    let report = pool()?.run(request).await.map_err(|reason| refused(&reason))?;
    if let Err(error) = place.logs()?.keep(&script, &report).await {
        session.output.note(&format!("the log of the run was not kept: {error}"));
    }
    for line in &report.logs {
        let text = escaped(line.text.as_bytes());
        match line.level {
            LogLevel::Debug | LogLevel::Info => session.output.note(&text),
            level => session.output.note(&format!("{}: {text}", level.as_str())),
        }
    }
    if report.logs_cut {
        session.output.note("more was logged than is kept");
    }
    shown(session, &report)
}

fn shown(session: &Session, report: &Report) -> Outcome<Exit> {
    match &report.result {
        Ok(json) => {
            session.output.line(json.get())?;
            Ok(Exit::Done)
        }
        Err(failure) => Err(Failure::Other(told(failure))),
    }
}

fn told(failure: &RunFailure) -> String {
    match failure {
        RunFailure::Threw(thrown) => {
            let stack: Vec<_> = thrown.stack.lines().map(|line| escaped(line.as_bytes())).collect();
            let (name, message) = (escaped(thrown.name.as_bytes()), escaped(thrown.message.as_bytes()));
            format!("the script threw {name}: {message}\n{}", stack.join("\n")).trim_end().to_owned()
        }
        RunFailure::Syntax(error) => {
            format!("the script is no module: line {}, column {}: {}", error.line, error.column, error.message)
        }
        RunFailure::CpuLimit => "the script used more processor time than it may".to_owned(),
        RunFailure::MemoryLimit => "the script used more memory than it may".to_owned(),
        RunFailure::TimeLimit => {
            "the script took longer than it may; its last writes may have been applied".to_owned()
        }
        RunFailure::OutputTooLarge(bytes) => {
            format!("the script returned {bytes} bytes, which is more than it may: let it store them")
        }
        _ => "the script's worker ended; its last writes may have been applied".to_owned(),
    }
}

/// The input, which must be JSON.
fn read(text: String) -> Outcome<String> {
    let text = if text == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::at("the standard input", &error))?;
        text
    } else {
        text
    };
    serde_json::from_str::<&RawValue>(&text).map_err(|error| {
        Failure::Usage(format!("the input is no JSON from line {}, column {} on", error.line(), error.column()))
    })?;
    Ok(text)
}
