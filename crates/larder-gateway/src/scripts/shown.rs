//! Scripts in documents.

use larder_scripts::{Deployed, LogLine, LoggedRun};
use serde::Serialize;
use utoipa::ToSchema;

use crate::value::rfc3339;

/// A script.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScriptInfo {
    /// Its name.
    pub(super) name: String,
    /// The version that runs.
    pub(super) active: String,
    /// Every version that is kept, the one that became active last first.
    pub(super) versions: Vec<ScriptVersion>,
}

/// A version of a script.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScriptVersion {
    /// Which one: it comes from the source.
    pub(super) version: String,
    /// The bytes of its source.
    pub(super) bytes: usize,
    /// When it became active last, as RFC 3339; not there for a file of a directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) activated_at: Option<String>,
}

/// A line that a script logged.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScriptLogLine {
    /// `debug`, `info`, `warn` or `error`.
    level: &'static str,
    /// The line.
    text: String,
}

/// What is kept of a run.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScriptRun {
    /// The id of the run.
    run: String,
    /// The version that ran.
    version: String,
    /// When it ended, in epoch milliseconds.
    ended_at: u64,
    /// How long it took, in milliseconds.
    took_millis: u64,
    /// `returned`, or why not: `threw`, `cpu_limit`, `memory_limit`, `time_limit`, `output_too_large`, `syntax`, `crashed`.
    outcome: String,
    /// What it logged, in order.
    lines: Vec<ScriptLogLine>,
    /// Whether it logged more than is kept.
    is_cut: bool,
}

impl From<Deployed> for ScriptInfo {
    fn from(deployed: Deployed) -> Self {
        let versions = deployed.versions.iter().map(|kept| ScriptVersion {
            version: kept.version.to_string(),
            bytes: kept.bytes,
            activated_at: Some(rfc3339(kept.activated_at)),
        });
        Self { active: deployed.active.to_string(), versions: versions.collect(), name: deployed.name }
    }
}

impl ScriptInfo {
    /// A script of a directory, which has one version.
    pub(super) fn of_file(script: &larder_scripts::Script) -> Self {
        let version = ScriptVersion {
            version: script.version().to_owned(),
            bytes: script.source().len(),
            activated_at: None,
        };
        Self { name: script.name().to_owned(), active: script.version().to_owned(), versions: vec![version] }
    }
}

impl From<LoggedRun> for ScriptRun {
    fn from(run: LoggedRun) -> Self {
        Self {
            lines: lines(&run.lines),
            run: run.id,
            version: run.version,
            ended_at: run.ended_at,
            took_millis: run.took_millis,
            outcome: run.outcome,
            is_cut: run.is_cut,
        }
    }
}

pub(super) fn lines(lines: &[LogLine]) -> Vec<ScriptLogLine> {
    lines.iter().map(|line| ScriptLogLine { level: line.level.as_str(), text: line.text.clone() }).collect()
}
