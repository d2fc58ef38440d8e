//! `GET /v1/operations/scripts`: the scripts that can be run.

use axum::Json;
use axum::extract::State;
use larder_scripts::Unreadable;
use serde::Serialize;
use utoipa::ToSchema;

use super::refusals::ScriptRefusals;
use super::service::{Opened, Place};
use super::shown::ScriptInfo;
use crate::caller::Caller;
use crate::gateway::Gateway;
use crate::permission::Permission;
use crate::problem::{Problem, ProblemBody};

/// The scripts, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScriptList {
    /// The scripts.
    items: Vec<ListedScript>,
}

/// A script, or the error that stands in its place.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ListedScript {
    /// A script.
    Script(ScriptInfo),
    /// A record that cannot be read. Its script can be removed, and deployed again after that.
    Failed {
        /// Its name, where that much can be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Why.
        error: ProblemBody,
    },
}

/// Lists the scripts that the caller can run, without their sources.
#[utoipa::path(
    get,
    path = "/v1/operations/scripts",
    tag = "scripts",
    operation_id = "listScripts",
    responses((status = 200, description = "The scripts, by name.", body = ScriptList), ScriptRefusals)
)]
pub(super) async fn list_scripts(
    State(gateway): State<Gateway>,
    caller: Caller,
) -> Result<Json<ScriptList>, Problem> {
    let opened = Opened::open(&gateway, &caller, Permission::ScriptsRun).await?;
    let failed = |name, error| ListedScript::Failed { name, error: Problem::from(error).body() };
    let items = match &opened.place {
        Place::Store(store) => {
            let show = |one| match one {
                Ok(deployed) => ListedScript::Script(ScriptInfo::from(deployed)),
                Err(Unreadable { name, error, .. }) => failed(name, error),
            };
            store.list().await?.into_iter().map(show).collect()
        }
        Place::Directory(directory) => {
            let show = |name: String| match directory.load(&name).transpose()? {
                Ok(script) => Some(ListedScript::Script(ScriptInfo::of_file(&script))),
                Err(error) => Some(failed(Some(name), error)),
            };
            directory.list()?.into_iter().filter_map(show).collect()
        }
    };
    Ok(Json(ScriptList { items }))
}
