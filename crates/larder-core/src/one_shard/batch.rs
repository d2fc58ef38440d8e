//! Batches, sorted out and divided by what the store below takes.

use std::collections::HashSet;

use super::{OneShard, invalid};
use crate::driver::{BatchItem, DriverError, RowKey, Write};
use crate::error::ErrorKind;
use crate::kv::lengths;

/// What can be sent, and for each position why it cannot be, if it cannot.
pub(super) fn sorted_out<T>(
    parts: impl Iterator<Item = Result<T, DriverError>>,
) -> (Vec<T>, Vec<Option<DriverError>>) {
    let mut fit = Vec::new();
    let positions = parts.map(|part| part.map(|part| fit.push(part)).err()).collect();
    (fit, positions)
}

/// The answers of all positions, of the answers to those that were sent.
pub(super) fn at_positions<T>(
    positions: Vec<Option<DriverError>>,
    answers: impl Iterator<Item = BatchItem<T>>,
) -> Vec<BatchItem<T>> {
    let mut answers = answers;
    let item = |refusal: Option<DriverError>| match refusal {
        Some(error) => BatchItem::Done(Err(error)),
        None => answers.next().unwrap_or_else(|| {
            let reason = "the driver left a position of a batch without an answer";
            BatchItem::Done(Err(DriverError::unknown(ErrorKind::Internal, reason)))
        }),
    };
    positions.into_iter().map(item).collect()
}

/// Gives what is known of a whole batch to each of its positions.
pub(super) fn each<T>(reply: Result<Vec<BatchItem<T>>, DriverError>, positions: usize) -> Vec<BatchItem<T>> {
    match reply {
        Ok(items) => items,
        Err(error) => (0..positions).map(|_| BatchItem::Done(Err(error.clone()))).collect(),
    }
}

impl OneShard {
    /// Divides writes by what one request below may hold.
    pub(super) fn chunks<'a>(&self, mut writes: &'a [(RowKey, Write)]) -> Vec<&'a [(RowKey, Write)]> {
        let lengths = lengths(writes, &self.info.batch);
        let chunk = |length| {
            let (chunk, rest) = writes.split_at(length);
            writes = rest;
            chunk
        };
        lengths.into_iter().map(chunk).collect()
    }
}

/// Refuses a key that is given twice, which platforms do not take in one batch.
pub(super) fn check_distinct<'a>(rows: impl Iterator<Item = &'a RowKey>) -> Result<(), DriverError> {
    let mut seen = HashSet::new();
    for row in rows {
        if !seen.insert(row) {
            return Err(invalid("a key is given twice in one batch; give it once"));
        }
    }
    Ok(())
}
