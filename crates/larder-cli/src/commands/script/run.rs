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
    /// Its input, as JSON; - is the standard input; nothing, and null, is `undefined`.
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
    let pool = pool()?;
    let report = pool.run(request).await.map_err(|reason| refused(&reason))?;
    if pool.confinement().is_some_and(|confinement| !confinement.seccomp) {
        session.output.note("the kernel did not filter the system calls of the worker (seccomp)");
    }
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
            format!("{failure}: {name}: {message}\n{}", stack.join("\n")).trim_end().to_owned()
        }
        RunFailure::Syntax(error) => format!("{failure}: {}", escaped(error.to_string().as_bytes())),
        failure => failure.to_string(),
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
        Failure::Usage(format!(
            "the input is no JSON from line {}, column {} on",
            error.line(),
            error.column()
        ))
    })?;
    Ok(text)
}
