//! Writing entries into a store, each with the expiry that it has.

use std::time::Duration;

use clap::Args;
use futures_util::stream::{self, StreamExt};
use larder::{Error, ErrorKind, Kv, MAX_PAGE_LIMIT, PutOptions, PutOutcome, ScanOptions, Timestamp};
use serde::{Deserialize, Serialize};

use super::entry::Carried;
use super::pace::Pace;
use super::tally::Tally;
use crate::clock;
use crate::failure::{Failure, Outcome};

/// How often entries that could not be written are tried again. The handle has tried for its own time before.
const ROUNDS: u32 = 5;
/// The pause before the first of these.
const PAUSE: Duration = Duration::from_millis(500);
/// How many puts that have a condition are under way at once: there are no batches of them.
const CONCURRENT_PUTS: usize = 64;

/// What becomes of entries that the target has already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Existing {
    /// There are none: a target that holds any is refused.
    Refused,
    /// They are replaced.
    Overwritten,
    /// They stay.
    Kept,
}

/// What becomes of entries that the target has already, as flags.
#[derive(Clone, Copy, Debug, Args)]
#[group(multiple = false)]
pub(crate) struct ExistingArgs {
    /// Replaces entries that the target has already.
    #[arg(long)]
    overwrite: bool,
    /// Keeps entries that the target has already, and writes the others.
    #[arg(long)]
    skip_existing: bool,
}

impl ExistingArgs {
    pub(crate) fn existing(self) -> Existing {
        match self {
            Self { overwrite: true, .. } => Existing::Overwritten,
            Self { skip_existing: true, .. } => Existing::Kept,
            _ => Existing::Refused,
        }
    }
}

impl Existing {
    /// The flag that says so.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Refused => "into an empty target",
            Self::Overwritten => "--overwrite",
            Self::Kept => "--skip-existing",
        }
    }

    /// What to do once a move has stopped that cannot go on by itself.
    pub(crate) fn again(self) -> &'static str {
        match self {
            Self::Refused => "run it again with --skip-existing",
            Self::Overwritten => "run it again with --overwrite, as before",
            Self::Kept => "run it again with --skip-existing, as before",
        }
    }

    /// Refuses a target that holds live entries under the prefix, if it has to be empty.
    pub(crate) async fn check(self, target: &Kv, prefix: &str) -> Outcome<()> {
        if self != Self::Refused {
            return Ok(());
        }
        if !holds_entries(target, prefix).await? {
            return Ok(());
        }
        let place = if prefix.is_empty() { String::new() } else { format!(" under {prefix:?}") };
        Err(Failure::Other(format!(
            "{} holds entries{place} already: --overwrite replaces those that come, --skip-existing keeps them",
            target.describe()
        )))
    }
}

/// Whether a store holds live entries under a prefix.
pub(crate) async fn holds_entries(kv: &Kv, prefix: &str) -> Outcome<bool> {
    let mut options = ScanOptions::new().limit(1);
    loop {
        let page = kv.scan_keys_page(prefix, options).await?;
        if !page.items.is_empty() {
            return Ok(true);
        }
        let Some(cursor) = page.cursor else { return Ok(false) };
        // A page without entries that has a cursor came upon expired rows alone, of which there may be many (S2).
        options = ScanOptions::new().limit(MAX_PAGE_LIMIT).cursor(cursor);
    }
}

/// Writes entries into a store.
#[derive(Debug)]
pub(crate) struct Writer {
    target: Kv,
    existing: Existing,
    pace: Pace,
}

impl Writer {
    pub(crate) fn new(target: Kv, existing: Existing, pace: Pace) -> Self {
        Self { target, existing, pace }
    }

    /// Finds the first entry whose key the target does not take, before any of them is written.
    pub(crate) fn check(&self, entries: &[Carried]) -> Result<(), Misfit> {
        let fits = |(at, entry): (usize, &Carried)| {
            self.target.check_key(&entry.key).map_err(|error| Misfit {
                at,
                why: format!(
                    "the target, {}, does not take its key: {}",
                    self.target.describe(),
                    error.message()
                ),
            })
        };
        entries.iter().enumerate().try_for_each(fits)
    }

    /// Writes entries, no faster than the pace. When it is done they are durable, or have expired.
    pub(crate) async fn write(&self, mut entries: Vec<Carried>) -> Outcome<Tally> {
        let mut tally = Tally::default();
        while !entries.is_empty() {
            let rest = entries.split_off(entries.len().min(self.pace.batch()));
            self.pace.wait(entries.len()).await;
            tally += self.batch(entries).await?;
            entries = rest;
        }
        Ok(tally)
    }

    async fn batch(&self, mut open: Vec<Carried>) -> Outcome<Tally> {
        let mut tally = Tally::default();
        let mut round = 0;
        loop {
            let now = clock::now();
            let before = open.len();
            open.retain(|entry| !entry.has_expired(now));
            tally.expired += (before - open.len()) as u64;
            let results = self.attempt(&open, now).await?;
            let mut failed = Vec::new();
            let mut failure = None;
            for (entry, result) in open.into_iter().zip(results) {
                match result {
                    Ok(Written::Stored) => {
                        tally.entries += 1;
                        tally.bytes += entry.value.len() as u64;
                    }
                    Ok(Written::Kept) => tally.skipped += 1,
                    Err(error) if can_pass(&error) && round < ROUNDS => {
                        failed.push(entry);
                        failure = Some(error);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            let Some(error) = failure else { return Ok(tally) };
            let wait = error.retry_after().unwrap_or_default().max(PAUSE * 2u32.pow(round));
            tokio::time::sleep(wait).await;
            open = failed;
            round += 1;
        }
    }

    /// Puts each entry once.
    async fn attempt(&self, entries: &[Carried], now: Timestamp) -> Outcome<Vec<Result<Written, Error>>> {
        if self.existing == Existing::Kept {
            // At that moment, so that each expires exactly when it did.
            return Ok(clock::at(now, self.put_if_absent(entries, now)).await);
        }
        let entries = entries.iter().map(|entry| {
            (entry.key.as_str(), entry.value.clone(), entry.expires_at.map(Timestamp::to_system_time))
        });
        let results = self.target.put_many_until(entries).await?;
        Ok(results.into_iter().map(|result| result.map(|_| Written::Stored)).collect())
    }

    async fn put_if_absent(&self, entries: &[Carried], now: Timestamp) -> Vec<Result<Written, Error>> {
        let puts: Vec<_> = entries
            .iter()
            .map(|entry| async move {
                let mut options = PutOptions::new().if_not_exists();
                options.ttl = lifetime(entry, now);
                Ok(match self.target.put(&entry.key, entry.value.clone(), options).await? {
                    PutOutcome::Stored(_) => Written::Stored,
                    PutOutcome::ConditionFailed(_) => Written::Kept,
                })
            })
            .collect();
        stream::iter(puts).buffered(CONCURRENT_PUTS).collect().await
    }
}

/// An entry whose key the target does not take.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// Which of the entries it is, from 0.
    pub(crate) at: usize,
    pub(crate) why: String,
}

#[derive(Clone, Copy)]
enum Written {
    Stored,
    Kept,
}

/// Whether the same write can succeed later. One that may have been applied is written again to the same effect.
fn can_pass(error: &Error) -> bool {
    error.is_retryable() || error.kind() == ErrorKind::Ambiguous
}

/// What is left of an entry's life. It has not expired.
fn lifetime(entry: &Carried, now: Timestamp) -> Option<Duration> {
    entry.expires_at.map(|moment| Duration::from_millis(moment.as_millis() - now.as_millis()))
}
