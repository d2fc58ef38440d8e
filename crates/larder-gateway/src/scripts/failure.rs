//! Runs that did not go well, over HTTP.

use std::time::Duration;

use larder_scripts::{Failure, Refused, Report, SyntaxError};
use serde_json::{Value, json};

use super::shown::lines;
use crate::headers::millis;
use crate::problem::{Code, Problem};

/// When to come back to a pool that a caller has filled itself.
const SOON: Duration = Duration::from_secs(1);

/// Why a run was not begun.
pub(super) fn refused(refused: &Refused) -> Problem {
    let message = refused.to_string();
    match refused {
        Refused::Busy { retry_after } => {
            Problem::new(Code::ScriptsBusy, message).with_retry_after(Some(*retry_after))
        }
        Refused::CallerBusy => Problem::new(Code::RateLimited, message).with_retry_after(Some(SOON)),
        Refused::InputTooLarge { .. } => Problem::invalid("input", message),
        Refused::SourceTooLarge => Problem::new(Code::PayloadTooLarge, message),
        Refused::NotChecked => Problem::new(Code::Unavailable, message).with_retry_after(Some(SOON)),
        _ => Problem::new(
            Code::Unavailable,
            "no script can be run here now; the gateway's operator has to see to it",
        )
        .with_retry_after(Some(SOON)),
    }
}

/// Why a run gave no result. What the script said of it is for its caller, and goes nowhere else.
pub(super) fn failed(failure: &Failure, report: &Report, run: Option<&str>) -> Problem {
    let mut details = json!({
        "tookMillis": millis(report.took),
        "logs": lines(&report.logs),
        "logsCut": report.logs_cut,
    });
    if let Some(run) = run {
        details["run"] = run.into();
    }
    let (code, message) = match failure {
        Failure::Syntax(error) => {
            merge(&mut details, place(error));
            details["name"] = "SyntaxError".into();
            details["message"] = error.message.clone().into();
            (Code::ScriptError, failure.to_string())
        }
        Failure::Threw(thrown) => {
            merge(
                &mut details,
                json!({ "name": thrown.name, "message": thrown.message, "stack": thrown.stack, "code": thrown.code }),
            );
            (Code::ScriptError, format!("{failure}; see details"))
        }
        Failure::OutputTooLarge(_) => (Code::ScriptError, failure.to_string()),
        Failure::CpuLimit => (Code::ScriptCpuLimit, failure.to_string()),
        Failure::MemoryLimit => (Code::ScriptMemoryLimit, failure.to_string()),
        Failure::TimeLimit => (Code::ScriptTimeout, failure.to_string()),
        _ => (Code::ScriptCrashed, failure.to_string()),
    };
    Problem::new(code, message).with_details(details)
}

/// A source that cannot be deployed.
pub(super) fn no_module(error: &SyntaxError) -> Problem {
    let problem = Problem::invalid("body", format!("the source is no module that can be run: {error}"));
    problem.with_details(place(error))
}

fn place(error: &SyntaxError) -> Value {
    match error.line {
        0 => json!({}),
        line => json!({ "line": line, "column": error.column }),
    }
}

fn merge(details: &mut Value, more: Value) {
    if let (Value::Object(details), Value::Object(more)) = (details, more) {
        details.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
}
