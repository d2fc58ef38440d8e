//! Scripts as they are printed.

use humantime::format_rfc3339_seconds;
use larder_scripts::{Deployed, Deployment};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{Format, Output};

/// A script.
#[derive(Debug, Serialize)]
pub(super) struct ShownScript {
    pub(super) name: String,
    pub(super) active: String,
    pub(super) versions: Vec<ShownVersion>,
}

/// A version of a script.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownVersion {
    pub(super) version: String,
    pub(super) bytes: usize,
    pub(super) activated_at: String,
}

impl ShownScript {
    pub(super) fn of(deployed: &Deployed) -> Self {
        let versions = deployed.versions.iter().map(|kept| ShownVersion {
            version: kept.version.to_string(),
            bytes: kept.bytes,
            activated_at: format_rfc3339_seconds(kept.activated_at).to_string(),
        });
        Self {
            name: deployed.name.clone(),
            active: deployed.active.to_string(),
            versions: versions.collect(),
        }
    }
}

/// Prints what a change came to: as text, the version that runs now.
pub(super) fn changed(output: &Output, deployment: &Deployment) -> Outcome<Exit> {
    let deployed = match deployment {
        Deployment::Done(deployed) => deployed,
        Deployment::Unchanged(deployed) => {
            output.note("nothing changed: that version is active already");
            deployed
        }
        Deployment::NotAsExpected(active) => {
            let active = active.map_or_else(|| "none".to_owned(), |active| active.to_string());
            output.note(&format!("nothing changed: the active version is {active}"));
            return Ok(Exit::ConditionFailed);
        }
        Deployment::NotThere => {
            output.note("there is no such script, or it has no such version");
            return Ok(Exit::Absent);
        }
    };
    match output.format {
        Format::Text => output.line(&deployed.active.to_string())?,
        Format::Json | Format::Ndjson => output.json(&ShownScript::of(deployed))?,
    }
    Ok(Exit::Done)
}

/// The failure of something that no worker could be had for.
pub(super) fn refused(reason: &larder_scripts::Refused) -> Failure {
    Failure::Other(reason.to_string())
}
