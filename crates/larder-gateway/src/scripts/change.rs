//! `POST /v1/operations/scripts/{name}/rollback`: an earlier version becomes the active one.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use larder_scripts::{Deployment, VersionId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::one::{PARTS, expected, not_as_expected};
use super::refusals::ScriptRefusals;
use super::service::{Opened, not_found};
use super::shown::ScriptInfo;
use crate::caller::Caller;
use crate::extract::JsonBody;
use crate::gateway::Gateway;
use crate::permission::Permission;
use crate::problem::{Problem, ProblemBody};

/// Where to go back to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rollback {
    /// The version; the one that was active before unless told.
    #[serde(default)]
    #[schema(pattern = "^[0-9a-f]{32}$")]
    version: Option<String>,
}

/// Makes an earlier version of a script the active one.
///
/// Without a version it goes to the one that was active before, and back again when it is repeated: give `If-Match`, or the
/// version, where it may be sent twice.
#[utoipa::path(
    post,
    path = "/v1/operations/scripts/{name}/rollback",
    tag = "scripts",
    operation_id = "rollbackScript",
    params(
        ("name" = String, Path, description = "The name.", pattern = "^[A-Za-z0-9_-]{1,64}$"),
        ("If-Match" = Option<String>, Header, description = "Only if this version is active, in quotes.",
            pattern = "^\"[0-9a-f]{32}\"$"),
    ),
    request_body = Rollback,
    responses(
        (status = 200, description = "The script as it is now.", body = ScriptInfo),
        (status = 409, description = "The gateway takes its scripts from a directory: `CONFLICT`.", body = ProblemBody),
        (status = 412, description = "Another version is active, or became so meanwhile: `PRECONDITION_FAILED`.",
            body = ProblemBody),
        ScriptRefusals
    )
)]
pub(super) async fn rollback_script(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    JsonBody(to): JsonBody<Rollback>,
) -> Result<Response, Problem> {
    let wrong = |error| Problem::from(error).about(PARTS);
    let expected = expected(&headers)?;
    let opened = Opened::open(&gateway, &caller, Permission::ScriptsWrite).await?;
    let version = to.version.map(|version| version.parse::<VersionId>()).transpose().map_err(wrong)?;
    changed(opened.store()?.rollback(&name, version, expected).await.map_err(wrong)?)
}

/// The answer to a change of what is active.
pub(super) fn changed(deployment: Deployment) -> Result<Response, Problem> {
    match deployment {
        Deployment::Done(deployed) | Deployment::Unchanged(deployed) => {
            let headers = [(ETAG, format!("\"{}\"", deployed.active))];
            Ok((headers, Json(ScriptInfo::from(deployed))).into_response())
        }
        Deployment::NotAsExpected(active) => Err(not_as_expected(active)),
        Deployment::NotThere => Err(not_found()),
    }
}
