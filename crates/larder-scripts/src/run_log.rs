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
/// The bytes that a line takes as JSON beside its text, at most, with the comma behind it.
const BESIDE_TEXT: usize = r#"{"level":"debug","text":""},"#.len();
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
        let (lines, is_cut) = kept(&report.logs);
        run.lines = lines;
        run.is_cut |= is_cut;
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

/// The first lines, as many as fit, and whether that is not all. Of the one that does not fit its beginning is kept: it may be
/// the only one.
fn kept(lines: &[LogLine]) -> (Vec<LogLine>, bool) {
    let mut kept = Vec::new();
    let mut room = MOST_BYTES;
    for line in lines {
        let Some(mut text_room) = room.checked_sub(BESIDE_TEXT) else { return (kept, true) };
        let is_beyond = |(_, letter): &(usize, char)| match text_room.checked_sub(escaped_bytes(*letter)) {
            Some(left) => {
                text_room = left;
                false
            }
            None => true,
        };
        if let Some((end, _)) = line.text.char_indices().find(is_beyond) {
            if end > 0 {
                kept.push(LogLine { level: line.level, text: line.text[..end].to_owned() });
            }
            return (kept, true);
        }
        room = text_room;
        kept.push(line.clone());
    }
    (kept, false)
}

/// How many bytes a character takes within JSON.
fn escaped_bytes(letter: char) -> usize {
    match letter {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        '\0'..='\u{1f}' => 6,
        letter => letter.len_utf8(),
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

#[cfg(test)]
mod tests {
    use larder_core::{MAX_VALUE_BYTES, MemoryDriver};
    use serde_json::value::RawValue;

    use super::*;
    use crate::outcome::LogLevel;

    /// What is kept of a run that logged these lines.
    async fn logged(lines: &[&str]) -> LoggedRun {
        let logs = RunLogs::new(&Kv::new(MemoryDriver::new()), None).expect("a store");
        let line = |text: &&str| LogLine { level: LogLevel::Debug, text: (*text).to_owned() };
        let report = Report {
            result: Ok(RawValue::NULL.to_owned()),
            logs: lines.iter().map(line).collect(),
            logs_cut: false,
            took: Duration::ZERO,
        };
        logs.keep(&Script::of("s", "1"), &report).await.expect("it is kept");
        logs.list("s", 1).await.expect("a list").remove(0).expect("a run")
    }

    #[tokio::test]
    async fn of_a_line_that_is_too_long_the_beginning_is_kept() {
        for letter in ["x", "é", "€", "\u{1f980}", "\"", "\n", "\u{1}", "\u{7f}"] {
            let long = letter.repeat(64 * 1024 / letter.len());
            for lines in [&[long.as_str()][..], &["first", &long, "last"]] {
                let run = logged(lines).await;
                assert!(run.is_cut);
                assert_eq!(run.lines.len(), lines.len().min(2), "{letter:?}");
                let last = &run.lines.last().expect("a line").text;
                assert!(long.starts_with(last.as_str()), "{letter:?}: it is cut between two letters");
                let bytes = serde_json::to_vec(&run.lines).expect("JSON").len();
                assert!((MOST_BYTES - 50..=MOST_BYTES + 2).contains(&bytes), "{letter:?}: {bytes}");
                assert!(serde_json::to_vec(&run).expect("JSON").len() <= MAX_VALUE_BYTES);
            }
        }
    }

    #[tokio::test]
    async fn lines_that_fit_are_kept_whole() {
        let most = "x".repeat(MOST_BYTES - BESIDE_TEXT);
        for (lines, kept, is_cut) in [
            (&["", "b"][..], 2, false),
            (&[&most], 1, false),
            (&[&most, ""], 1, true),
            (&[""; 2_000], 821, true),
        ] {
            let run = logged(lines).await;
            assert_eq!((run.lines.len(), run.is_cut), (kept, is_cut));
            assert!(run.lines.iter().zip(lines).all(|(kept, line)| kept.text == *line));
        }
    }
}
