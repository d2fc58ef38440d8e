//! One script: `/v1/operations/scripts/{name}`.

#![expect(unused_qualifications, reason = "the code that utoipa makes of params(…)")]

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use larder_scripts::{Expected, Removal, Script, VersionId, check_script_name};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::change::changed;
use super::failure::{no_module, refused};
use super::refusals::{DeployRefusals, ScriptRefusals};
use super::service::{Opened, Place, not_found};
use super::shown::ScriptInfo;
use crate::caller::Caller;
use crate::extract::{Precondition, Query, RawBody, media_type};
use crate::gateway::Gateway;
use crate::permission::Permission;
use crate::problem::{Code, Problem, ProblemBody};

/// The words that errors have for the parts of requests, and the names that those have here.
pub(super) const PARTS: &[(&str, &str)] =
    &[("the name", "name"), ("the version", "version"), ("the source", "body")];

/// Which version.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfVersion {
    /// The version; the active one unless told.
    #[param(pattern = "^[0-9a-f]{32}$")]
    version: Option<String>,
}

/// A script with the source of a version.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScriptSource {
    #[serde(flatten)]
    script: ScriptInfo,
    /// The version whose source this is.
    version: String,
    /// The source.
    source: String,
}

/// The name of what was removed.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScriptDeleted {
    /// The name.
    name: String,
}

/// Retrieves a script with its source.
#[utoipa::path(
    get,
    path = "/v1/operations/scripts/{name}",
    tag = "scripts",
    operation_id = "getScript",
    params(
        ("name" = String, Path, description = "The name.", pattern = "^[A-Za-z0-9_-]{1,64}$"),
        OfVersion,
    ),
    responses(
        (status = 200, description = "The script.", body = ScriptSource, headers(
            ("ETag" = String, description = "The active version, in quotes."),
        )),
        ScriptRefusals
    )
)]
pub(super) async fn get_script(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(name): Path<String>,
    Query(OfVersion { version }): Query<OfVersion>,
) -> Result<Response, Problem> {
    let wrong = |error| Problem::from(error).about(PARTS);
    let opened = Opened::open(&gateway, &caller, Permission::ScriptsWrite).await?;
    let version = version.map(|version| version.parse::<VersionId>()).transpose().map_err(wrong)?;
    let (info, script) = match &opened.place {
        Place::Store(store) => {
            let info = store.get(&name).await.map_err(wrong)?.ok_or_else(not_found)?;
            let script = store.load(&name, Some(version.unwrap_or(info.active))).await?;
            (info.into(), script.ok_or_else(not_found)?)
        }
        Place::Directory(directory) => {
            let script = directory.load(&name).map_err(wrong)?.ok_or_else(not_found)?;
            if version.is_some_and(|version| version.to_string() != script.version()) {
                return Err(not_found());
            }
            (ScriptInfo::of_file(&script), script)
        }
    };
    let headers = [(ETAG, format!("\"{}\"", info.active))];
    let version = script.version().to_owned();
    let source = script.source().to_owned();
    Ok((headers, Json(ScriptSource { script: info, version, source })).into_response())
}

/// Deploys a script: the body is its source, a module of JavaScript, and becomes the active version.
///
/// A version that is kept already is made active again. A source that is no module is refused with the line and column.
#[utoipa::path(
    put,
    path = "/v1/operations/scripts/{name}",
    tag = "scripts",
    operation_id = "putScript",
    params(
        ("name" = String, Path, description = "The name.", pattern = "^[A-Za-z0-9_-]{1,64}$"),
        ("If-Match" = Option<String>, Header, description = "Only if this version is active, in quotes.",
            pattern = "^\"[0-9a-f]{32}\"$"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is no script of that name. Not together \
            with `If-Match`.", pattern = "^\\*$"),
    ),
    request_body(content = String, content_type = "application/javascript", description = "The source, up to 256 KiB."),
    responses(
        (status = 200, description = "The script as it is now.", body = ScriptInfo),
        (status = 409, description = "The gateway takes its scripts from a directory: `CONFLICT`.", body = ProblemBody),
        (status = 412, description = "Another version is active, or there is one: `PRECONDITION_FAILED`.", body = ProblemBody),
        DeployRefusals
    )
)]
pub(super) async fn put_script(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
    RawBody(source): RawBody,
) -> Result<Response, Problem> {
    let wrong = |error| Problem::from(error).about(PARTS);
    if !is_script(&headers) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "the body is the source of the script; send it with Content-Type: application/javascript",
        ));
    }
    let expected = expected(&headers)?;
    let opened = Opened::open(&gateway, &caller, Permission::ScriptsWrite).await?;
    let store = opened.store()?;
    check_script_name(&name).map_err(wrong)?;
    let source = std::str::from_utf8(&source).map_err(|error| {
        Problem::invalid("body", format!("is no UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    let script = Script::of(&name, source);
    let checked = opened.scripts.pool.check(opened.request(script, None)).await;
    checked.map_err(|reason| refused(&reason))?.map_err(|error| no_module(&error))?;
    changed(store.deploy(&name, source, expected).await.map_err(wrong)?)
}

/// Removes a script with all its versions.
#[utoipa::path(
    delete,
    path = "/v1/operations/scripts/{name}",
    tag = "scripts",
    operation_id = "deleteScript",
    params(("name" = String, Path, description = "The name.", pattern = "^[A-Za-z0-9_-]{1,64}$")),
    responses(
        (status = 200, description = "It is gone.", body = ScriptDeleted),
        (status = 409, description = "The gateway takes its scripts from a directory: `CONFLICT`.", body = ProblemBody),
        ScriptRefusals
    )
)]
pub(super) async fn delete_script(
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<ScriptDeleted>, Problem> {
    let opened = Opened::open(&gateway, &caller, Permission::ScriptsWrite).await?;
    let removed = opened.store()?.remove(&name).await.map_err(|error| Problem::from(error).about(PARTS))?;
    match removed {
        Removal::NotThere => Err(not_found()),
        Removal::Done => Ok(Json(ScriptDeleted { name })),
    }
}

/// The answer where another version is active than was expected.
pub(super) fn not_as_expected(active: Option<VersionId>) -> Problem {
    let problem = Problem::new(Code::PreconditionFailed, "another version is active, and nothing changed");
    problem.with_details(json!({ "active": active.map(|version| version.to_string()) }))
}

fn is_script(headers: &HeaderMap) -> bool {
    matches!(media_type(headers).as_str(), "application/javascript" | "text/javascript")
}

/// The condition of a change: `If-Match: "version"`, `If-None-Match: *`, or none.
pub(super) fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    match Precondition::read(headers, "give the ETag of the script")? {
        Precondition::None => Ok(Expected::Any),
        Precondition::Absent => Ok(Expected::Absent),
        Precondition::Tag(version) => version
            .parse()
            .map(Expected::Active)
            .map_err(|_| Problem::invalid("If-Match", "must be a version of a script in quotes, as in ETag")),
    }
}
