//! Compares two stores, entry by entry.

use std::cmp::Ordering;

use futures_util::StreamExt;
use larder::{Entry, ErrorKind, Kv, ScanStream, key_order};
use serde::Serialize;

use super::entry::expiry;
use crate::clock;
use crate::failure::Outcome;

/// How an entry differs between a source and a target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Difference {
    /// The target does not have it.
    Missing,
    /// The source does not have it.
    Extra,
    /// The values differ.
    Value,
    /// The values are the same, and the moments of expiry differ.
    Expiry,
    /// The target's record cannot be decoded.
    Unreadable,
}

impl Difference {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Value => "value",
            Self::Expiry => "expiry",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Reads both sides in key order, and reports every difference once. An entry that expires meanwhile is none.
pub(crate) async fn compare(
    source: &Kv,
    target: &Kv,
    prefix: &str,
    mut report: impl FnMut(Difference, &str) -> Outcome<()>,
) -> Outcome<()> {
    let mut sources = Side::new(source.scan(prefix));
    let mut targets = Side::new(target.scan(prefix));
    // The copy has told of what cannot be read of the source, and there is nothing to compare with.
    let mut source = sources.next(|_| Ok(())).await?;
    let mut target = targets.next(|key| report(Difference::Unreadable, key)).await?;
    loop {
        let order = match (&source, &target) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(source), Some(target)) => key_order(source.key(), target.key()),
        };
        if let Some((difference, key)) = judge(source.as_ref(), target.as_ref(), order) {
            report(difference, key)?;
        }
        if order.is_le() {
            source = sources.next(|_| Ok(())).await?;
        }
        if order.is_ge() {
            target = targets.next(|key| report(Difference::Unreadable, key)).await?;
        }
    }
}

/// What there is to say of the entry that comes next, which is on one side or on both.
fn judge<'a>(
    source: Option<&'a Entry>,
    target: Option<&'a Entry>,
    order: Ordering,
) -> Option<(Difference, &'a str)> {
    let difference = match (source, target, order) {
        (Some(source), _, Ordering::Less) => (Difference::Missing, source),
        (_, Some(target), Ordering::Greater) => (Difference::Extra, target),
        (Some(source), Some(target), _) if source.value() != target.value() => (Difference::Value, source),
        (Some(source), Some(target), _) if source.expires_at() != target.expires_at() => {
            (Difference::Expiry, source)
        }
        _ => return None,
    };
    match difference {
        (Difference::Missing | Difference::Extra, entry) if has_expired(entry) => None,
        (difference, entry) => Some((difference, entry.key())),
    }
}

/// Whether an entry that was live when it was read is so no more, so that the other side may have it no longer.
fn has_expired(entry: &Entry) -> bool {
    expiry(entry.info()).is_some_and(|moment| moment <= clock::now())
}

struct Side(ScanStream<Entry>);

impl Side {
    fn new(stream: ScanStream<Entry>) -> Self {
        Self(stream)
    }

    /// The next entry that can be decoded.
    async fn next(&mut self, mut unreadable: impl FnMut(&str) -> Outcome<()>) -> Outcome<Option<Entry>> {
        loop {
            match self.0.next().await {
                None => return Ok(None),
                Some(Ok(entry)) => return Ok(Some(entry)),
                Some(Err(error)) if error.kind() == ErrorKind::Corrupt => {
                    unreadable(error.key().unwrap_or_default())?;
                }
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }
}
