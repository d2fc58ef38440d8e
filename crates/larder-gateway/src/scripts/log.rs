//! `GET /v1/operations/scripts/{name}/logs`: what its last runs logged.

#![expect(unused_qualifications, reason = "the code that utoipa makes of params(…)")]

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::one::PARTS;
use super::refusals::ScriptRefusals;
use super::service::Opened;
use super::shown::ScriptRun;
use crate::caller::Caller;
use crate::extract::Query;
use crate::gateway::Gateway;
use crate::permission::Permission;
use crate::problem::{Problem, ProblemBody};

/// The most runs of an answer.
const MOST: usize = 100;

/// How many runs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Last {
    /// The most runs; 20 unless told.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// The last runs, the latest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScriptRuns {
    /// The runs that logged something or failed.
    items: Vec<LoggedScriptRun>,
}

/// A run, or the error that stands in its place.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum LoggedScriptRun {
    /// A run.
    Run(ScriptRun),
    /// A record that cannot be read.
    Failed {
        /// Why.
        error: ProblemBody,
    },
}

/// Lists what the last runs of a script logged. Runs that logged something or failed are kept for a day.
///
/// A script logs what it likes, values too: this takes the permission to deploy it, `scripts:write`.
#[utoipa::path(
    get,
    path = "/v1/operations/scripts/{name}/logs",
    tag = "scripts",
    operation_id = "scriptLogs",
    params(
        ("name" = String, Path, description = "The name.", pattern = "^[A-Za-z0-9_-]{1,64}$"),
        Last,
    ),
    responses((status = 200, description = "The runs.", body = ScriptRuns), ScriptRefusals)
)]
pub(super) async fn script_logs(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(name): Path<String>,
    Query(Last { limit }): Query<Last>,
) -> Result<Json<ScriptRuns>, Problem> {
    let limit = limit.unwrap_or(20);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::invalid("limit", format!("must be 1 to {MOST}")));
    }
    let opened = Opened::open(&gateway, &caller, Permission::ScriptsWrite).await?;
    let runs = opened.logs()?.list(&name, limit).await.map_err(|error| Problem::from(error).about(PARTS))?;
    let show = |run| match run {
        Ok(run) => LoggedScriptRun::Run(ScriptRun::from(run)),
        Err(error) => LoggedScriptRun::Failed { error: Problem::from(error).body() },
    };
    Ok(Json(ScriptRuns { items: runs.into_iter().map(show).collect() }))
}
