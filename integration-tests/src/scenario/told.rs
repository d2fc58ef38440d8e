//! What was observed, as text.

use std::fmt::Display;

use larder_core::{DeleteOutcome, Entry, EntryInfo, Error, ErrorKind, Result, Seen};

pub(super) fn as_entry(entry: &Entry) -> String {
    format!("{:?} = {:?} for {:?}", entry.key(), entry.value(), entry.ttl())
}

pub(super) fn as_info(info: &EntryInfo) -> String {
    format!("{:?} for {:?}", info.key(), info.ttl())
}

pub(super) fn as_seen(seen: &Seen) -> String {
    match seen {
        Seen::Entry(entry) => as_entry(entry),
        Seen::Absent => "absent".to_owned(),
        Seen::NotShown => "not shown".to_owned(),
    }
}

pub(super) fn deleted(outcome: DeleteOutcome) -> String {
    match outcome {
        DeleteOutcome::Deleted => "deleted".to_owned(),
        DeleteOutcome::ConditionFailed(seen) => format!("refused, {}", as_seen(&seen)),
    }
}

/// A list, each item by itself.
pub(super) fn shown<T>(items: Vec<Result<T>>, show: impl Fn(&T) -> String) -> String {
    let items: Vec<_> = items.into_iter().map(|item| told(item.map(|item| show(&item)))).collect();
    format!("[{}]", items.join(", "))
}

pub(super) fn told<T: Display>(result: Result<T>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(error) => failure(&error),
    }
}

fn failure(error: &Error) -> String {
    match error.kind() {
        // The rest says what its platform had there instead of a record.
        ErrorKind::Corrupt => format!("corrupt (key {:?})", error.key()),
        kind => format!("{kind} ({}, key {:?})", error.message(), error.key()),
    }
}
