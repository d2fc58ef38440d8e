//! Compares two stores, entry by entry.

use std::cmp::Ordering;

use futures_util::StreamExt;
use larder::{Clock, Entry, ErrorKind, Kv, ScanStream, Timestamp, key_order};
use serde::Serialize;

use super::entry::expiry;
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

/// Reads both sides in key order, and reports every difference once. An entry that expires meanwhile is none, by the clock
/// that the handles run by.
pub(crate) async fn compare(
    source: &Kv,
    target: &Kv,
    prefix: &str,
    clock: &dyn Clock,
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
        if let Some((difference, key)) = judge(source.as_ref(), target.as_ref(), order, clock.now()) {
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
    now: Timestamp,
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
        (Difference::Missing | Difference::Extra, entry) if has_expired(entry, now) => None,
        (difference, entry) => Some((difference, entry.key())),
    }
}

/// Whether an entry that was live when it was read is so no more, so that the other side may have it no longer.
fn has_expired(entry: &Entry, now: Timestamp) -> bool {
    expiry(entry.info()).is_some_and(|moment| moment <= now)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use larder::{ManualClock, MemoryDriver, PutOptions};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn store(clock: &Arc<ManualClock>) -> Kv {
        let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
        Kv::builder(MemoryDriver::new()).clock(clock).build()
    }

    /// Two stores with the same entries, three of four of which live for a minute; of the keys that are given, only one has
    /// each.
    async fn alike(clock: &Arc<ManualClock>, of_source: &[&str], of_target: &[&str]) -> (Kv, Kv) {
        let (source, target) = (store(clock), store(clock));
        for (kv, own) in [(&source, of_source), (&target, of_target)] {
            for number in 0..5_000 {
                let mut options = PutOptions::new();
                options.ttl = (number % 4 != 0).then_some(MINUTE);
                kv.put(format!("k:{number:04}"), "v", options).await.expect("a put");
            }
            for key in own {
                kv.put(key, "v", PutOptions::new()).await.expect("a put");
            }
        }
        (source, target)
    }

    /// The differences, when the minute passes as soon as there is the first.
    async fn found(source: &Kv, target: &Kv, clock: &ManualClock) -> Vec<(Difference, String)> {
        let mut found = Vec::new();
        compare(source, target, "", clock, |difference, key| {
            if found.is_empty() {
                clock.advance(MINUTE);
            }
            found.push((difference, key.to_owned()));
            Ok(())
        })
        .await
        .expect("both can be read");
        found
    }

    #[tokio::test]
    async fn what_expires_while_both_sides_are_read_is_no_difference() {
        // More on one side, so that the pages do not end at the same keys: of what lies between the ends one side was read
        // before the minute passed, and the other after it.
        for (of_source, of_target, expected) in
            [(&["a", "b", "z"][..], &[][..], Difference::Missing), (&[], &["a", "b", "z"], Difference::Extra)]
        {
            let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_767_225_600_000)));
            let (source, target) = alike(&clock, of_source, of_target).await;
            let found = found(&source, &target, &clock).await;
            assert_eq!(found, ["a", "b", "z"].map(|key| (expected, key.to_owned())));
        }
    }

    #[tokio::test]
    async fn what_is_alive_and_on_one_side_alone_is_told() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_767_225_600_000)));
        let (source, target) = alike(&clock, &[], &["a"]).await;
        target.delete("k:4000").await.expect("deleted");
        let mut found = Vec::new();
        let told = compare(&source, &target, "", &*clock, |difference, key| {
            found.push((difference, key.to_owned()));
            Ok(())
        });
        told.await.expect("both can be read");
        assert_eq!(found, [(Difference::Extra, "a".to_owned()), (Difference::Missing, "k:4000".to_owned())]);
    }
}
