//! What became of a write.

use larder::{Seen, Version};
use serde::Serialize;

use super::record::EntryRecord;
use super::{Format, Output};
use crate::exit::Exit;
use crate::failure::Outcome;

/// What became of a write, as it is printed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WriteRecord<'a> {
    pub(crate) key: &'a str,
    pub(crate) outcome: WriteOutcome,
    /// The new version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The number that a counter has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<i64>,
    /// The entry that stood in the way, without its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<EntryRecord<'a>>,
}

/// What became of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WriteOutcome {
    Stored,
    Deleted,
    Touched,
    Counted,
    Absent,
    ConditionFailed,
}

impl<'a> WriteRecord<'a> {
    pub(crate) fn new(key: &'a str, outcome: WriteOutcome) -> Self {
        Self { key, outcome, version: None, number: None, current: None }
    }

    pub(crate) fn version(mut self, version: &Version) -> Self {
        self.version = Some(version.to_string());
        self
    }

    pub(crate) fn number(mut self, number: i64) -> Self {
        self.number = Some(number);
        self
    }

    pub(crate) fn condition_failed(key: &'a str, seen: &'a Seen) -> Self {
        let mut record = Self::new(key, WriteOutcome::ConditionFailed);
        if let Seen::Entry(entry) = seen {
            record.current = Some(EntryRecord::of_key(entry.info()));
        }
        record
    }

    fn exit(&self) -> Exit {
        match self.outcome {
            WriteOutcome::Absent => Exit::Absent,
            WriteOutcome::ConditionFailed => Exit::ConditionFailed,
            _ => Exit::Done,
        }
    }
}

impl Output {
    /// Prints what became of a write, and says how the command ends by it.
    pub(crate) fn write(&self, record: &WriteRecord<'_>) -> Outcome<Exit> {
        if self.format == Format::Text {
            self.write_as_text(record)?;
        } else {
            self.json(record)?;
        }
        Ok(record.exit())
    }

    /// The version or the number alone, so that a script can take it as it is.
    fn write_as_text(&self, record: &WriteRecord<'_>) -> Outcome<()> {
        match (&record.version, record.number, record.outcome) {
            (Some(version), ..) => self.line(version),
            (None, Some(number), _) => self.line(&number.to_string()),
            (None, None, WriteOutcome::ConditionFailed) => {
                self.note(&match &record.current {
                    Some(current) => {
                        format!("the condition did not hold: the entry has version {}", current.version())
                    }
                    None => "the condition did not hold".to_owned(),
                });
                Ok(())
            }
            (None, None, WriteOutcome::Absent) => {
                self.note("the key is absent");
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
