//! `GET /v1/operations/scripts`: the scripts that can be run.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::service::{Opened, Place};
use super::shown::ScriptInfo;
use crate::caller::Caller;
use crate::gateway::Gateway;
use crate::permission::Permission;
use crate::problem::{Problem, ProblemBody, Refusals};

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
    /// A record that cannot be read.
    Failed {
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
    responses((status = 200, description = "The scripts, by name.", body = ScriptList), Refusals)
)]
pub(super) async fn list_scripts(
    State(gateway): State<Gateway>,
    caller: Caller,
) -> Result<Json<ScriptList>, Problem> {
    let opened = Opened::open(&gateway, &caller, Permission::ScriptsRun).await?;
    let show = |item: larder::Result<ScriptInfo>| match item {
        Ok(script) => ListedScript::Script(script),
        Err(error) => ListedScript::Failed { error: Problem::from(error).body() },
    };
    let items = match &opened.place {
        Place::Store(store) => {
            store.list().await?.into_iter().map(|one| show(one.map(ScriptInfo::from))).collect()
        }
        Place::Directory(directory) => {
            let scripts = directory.list()?.into_iter().filter_map(|name| directory.load(&name).transpose());
            scripts.map(|script| show(script.map(|script| ScriptInfo::of_file(&script)))).collect()
        }
    };
    Ok(Json(ScriptList { items }))
}
