//! `POST /v1/operations/scripts`: runs one.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use larder_scripts::{Refused, Report, RunLogs, Running, Script};
use serde::Deserialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::failure::{failed, refused};
use super::refusals::RunRefusals;
use super::service::{Opened, UnderWay};
use crate::caller::Caller;
use crate::extract::JsonBody;
use crate::gateway::Gateway;
use crate::headers::insert;
use crate::permission::Permission;
use crate::problem::{Code, Problem, ProblemBody};

/// The version that ran.
const VERSION: HeaderName = HeaderName::from_static("larder-script-version");
/// The id of the run, if its log was kept.
const RUN: HeaderName = HeaderName::from_static("larder-script-run");

/// What to run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunScript {
    /// The name of the script.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]{1,64}$")]
    script: String,
    /// Its input: any JSON, up to 1 MiB. Without it, and for null, the script gets `undefined`.
    #[serde(default)]
    #[schema(value_type = Option<serde_json::Value>)]
    input: Option<Box<RawValue>>,
}

/// Runs a script, and answers what it returns.
///
/// The script reaches what the caller reaches, with the caller's permissions. It is no transaction: what it wrote before it
/// failed stays.
#[utoipa::path(
    post,
    path = "/v1/operations/scripts",
    tag = "scripts",
    operation_id = "runScript",
    request_body = RunScript,
    responses(
        (status = 200, description = "What the script returned; null if nothing.", body = serde_json::Value, headers(
            ("Larder-Script-Version" = String, description = "The version that ran."),
            ("Larder-Script-Run" = Option<String>, description = "The id of the run, if it logged anything: see its logs."),
        )),
        (
            status = 422,
            description = "The script threw: `SCRIPT_ERROR`, with `details`. Or it used too much: `SCRIPT_CPU_LIMIT`, \
                           `SCRIPT_MEMORY_LIMIT`, and its last writes may have been applied or may still be. What it wrote \
                           stays.",
            body = ProblemBody
        ),
        RunRefusals
    )
)]
pub(super) async fn run_script(
    State(gateway): State<Gateway>,
    caller: Caller,
    JsonBody(task): JsonBody<RunScript>,
) -> Result<Response, Problem> {
    let opened = Opened::open(&gateway, &caller, Permission::ScriptsRun).await?;
    let script =
        opened.load(&task.script).await.map_err(|problem| problem.about(&[("the script", "script")]))?;
    let input = task.input.map(|input| String::from(Box::<str>::from(input)));
    let request = opened.request(script.clone(), input);
    let logs = opened.logs()?;
    let under_way = opened.scripts.under_way().await;
    let running = opened.scripts.pool.begin(request).await.map_err(|reason| refused(&reason))?;
    // A task of its own: what a run logged is kept, also when its caller has left.
    let task = tokio::spawn(finish(running, script.clone(), logs, under_way));
    let ended = task.await.map_err(|error| {
        tracing::error!(target: "larder", script = script.name(), is_panic = error.is_panic(), "a run was lost");
        Problem::new(Code::Internal, "the gateway lost the run; what the script wrote stays")
    })?;
    let (report, run) = ended.map_err(|reason| refused(&reason))?;
    match &report.result {
        Ok(json) => {
            let mut headers = HeaderMap::new();
            insert(&mut headers, VERSION, script.version());
            if let Some(run) = &run {
                insert(&mut headers, RUN, run);
            }
            Ok((headers, Json(json.clone())).into_response())
        }
        Err(failure) => Err(failed(failure, &report, run.as_deref())),
    }
}

/// Waits for the end of a run, and keeps its log.
async fn finish(
    running: Running,
    script: Script,
    logs: RunLogs,
    under_way: UnderWay,
) -> Result<(Report, Option<String>), Refused> {
    let report = running.end().await?;
    let run = logs.keep(&script, &report).await.unwrap_or_else(|error| {
        tracing::warn!(target: "larder", script = script.name(), %error, "the log of a run was lost");
        None
    });
    drop(under_way);
    Ok((report, run))
}
