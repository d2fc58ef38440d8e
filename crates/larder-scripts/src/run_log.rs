//! What runs logged, kept for a day in the store under `!`.

use std::fmt;
use std::time::Duration;

use larder_core::{Clock, Error, ErrorKind, Kv, PutOptions, Result, SystemClock};
use serde::{Deserialize, Serialize};

use crate::name::check_script_name;
use crate::outcome::{LogLine, Report};
use crate::part::part;
use crate::pool::Script;

/// How long a run's log is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// The most bytes of lines of one run, as JSON, that are kept: what fits a value with the rest of the record.
const MOST_BYTES: usize = 23_000;
/// The form of the records.
const FORMAT: u8 = 1;

/// The logs of the scripts in a store: of one namespace, or of those who have none.
#[derive(Clone, Debug)]
pub struct RunLogs(Kv);

/// What is kept of a run.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct LoggedRun {
    format: u8,
    /// The id of the run; later ones are smaller.
    pub id: String,
    /// When it ended, in epoch milliseconds.
    pub ended_at: u64,
    /// The version that ran.
    pub version: String,
    /// How it ended: `returned`, or the name of its failure.
    pub outcome: String,
    /// How long it took, in milliseconds.
    pub took_millis: u64,
    /// The first lines that it logged.
    pub lines: Vec<LogLine>,
    /// Whether there were more.
    pub is_cut: bool,
}

impl RunLogs {
    /// The logs in the store that this handle is on. See [`ScriptStore::new`](crate::ScriptStore::new).
    ///
    /// # Errors
    ///
    /// As [`ScriptStore::new`](crate::ScriptStore::new).
    pub fn new(kv: &Kv, namespace: Option<&str>) -> Result<Self> {
        part(kv, namespace, "script-logs").map(Self)
    }

    /// Keeps what a run logged, and returns the id of it. A run that returned and logged nothing is not kept.
    ///
    /// # Errors
    ///
    /// What keeps the store from answering.
    pub async fn keep(&self, script: &Script, report: &Report) -> Result<Option<String>> {
        if report.logs.is_empty() && report.result.is_ok() {
            return Ok(None);
        }
        let ended_at = SystemClock.now().as_millis();
        // A scan goes up, and people want the last run first.
        let id = format!("{:012x}-{:08x}", LATEST.saturating_sub(ended_at), rand::random::<u32>());
        let outcome = report.result.as_ref().err().map_or("returned", crate::outcome::Failure::as_str);
        let mut run = LoggedRun {
            format: FORMAT,
            id: id.clone(),
            ended_at,
            version: script.version().to_owned(),
            outcome: outcome.to_owned(),
            took_millis: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
            lines: Vec::new(),
            is_cut: report.logs_cut,
        };
        let mut bytes = 0;
        for line in &report.logs {
            bytes += serde_json::to_vec(line).map_or(MOST_BYTES, |json| json.len() + 1);
            if bytes > MOST_BYTES {
                run.is_cut = true;
                break;
            }
            run.lines.push(line.clone());
        }
        let record = serde_json::to_vec(&run)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("a run's record: {error}")))?;
        self.0.put(format!("{}:{id}", script.name()), record, PutOptions::new().ttl(KEPT)).await?;
        Ok(Some(id))
    }

    /// The last runs of a script that logged something or failed, the latest first.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a name that is none; otherwise what keeps the store from answering.
    pub async fn list(&self, script: &str, most: usize) -> Result<Vec<Result<LoggedRun>>> {
        check_script_name(script)?;
        let page = self.0.scan_collect(format!("{script}:"), most).await?;
        let read = |bytes: &[u8]| {
            let run = serde_json::from_slice::<LoggedRun>(bytes).ok().filter(|run| run.format == FORMAT);
            run.ok_or_else(|| Error::new(ErrorKind::Corrupt, "the log of a run cannot be read"))
        };
        Ok(page.items.into_iter().map(|entry| read(entry?.value())).collect())
    }
}

/// Before it, times have 12 hexadecimal digits: the year 10889.
const LATEST: u64 = 0xffff_ffff_ffff;

impl fmt::Debug for LoggedRun {
    /// Without what the script said: it may hold values (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedRun")
            .field("id", &self.id)
            .field("outcome", &self.outcome)
            .field("lines", &self.lines.len())
            .finish_non_exhaustive()
    }
}
