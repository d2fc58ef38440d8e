//! The errors of the routes of scripts, for the OpenAPI document.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::{RefOr, Response};

use crate::problem::refusals_but;

const NOT_FOUND: (&str, &str) = (
    "404",
    "There is no such script, or it has no such version: `SCRIPT_NOT_FOUND`. Or the gateway runs no scripts: \
     `ROUTE_NOT_FOUND`. Nothing was applied.",
);
const TOO_MANY: (&str, &str) = (
    "429",
    "The API key asks too often, or has as many runs that are under way or wait as it may, and nothing was applied: \
     `RATE_LIMITED`. `Retry-After` says when to come back.",
);
const BUSY: (&str, &str) = (
    "503",
    "All workers are busy: `SCRIPTS_BUSY`. The store or the workers cannot serve now: `UNAVAILABLE`, `STORE_THROTTLED`. \
     Nothing was applied. `Retry-After` says when to come back.",
);
const LOST: (&str, &str) = (
    "500",
    "The worker ended with the run: `SCRIPT_CRASHED`. What the script wrote stays, and its last writes may have been \
     applied or may still be. Or the script is damaged, and was not begun: `CORRUPT`. Or a defect: `INTERNAL`.",
);
const LATE: (&str, &str) = (
    "504",
    "The script took longer than it may: `SCRIPT_TIMEOUT`. What it wrote stays, and its last writes may have been applied \
     or may still be. Or the store did not answer in time when the script was looked for, and it was not begun: `TIMEOUT`.",
);

/// The errors that every route of scripts can answer.
pub(super) struct ScriptRefusals;

/// Those of a deployment, which takes a worker, too.
pub(super) struct DeployRefusals;

/// Those of a run.
pub(super) struct RunRefusals;

impl IntoResponses for ScriptRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals_but(&[NOT_FOUND])
    }
}

impl IntoResponses for DeployRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals_but(&[NOT_FOUND, TOO_MANY, BUSY])
    }
}

impl IntoResponses for RunRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals_but(&[NOT_FOUND, TOO_MANY, BUSY, LOST, LATE])
    }
}
