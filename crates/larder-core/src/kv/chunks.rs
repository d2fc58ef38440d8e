//! A batch's requests: divided by the platform's limits, sent again where they were left undone (B1).

use std::collections::HashMap;

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::Shared;
use super::answers::Answers;
use super::attempts::{Attempts, ClockReading};
use super::divide::{Divided, at_their_places, divided};
use super::resolve::{Change, End, NewRevision};
use crate::driver::{BatchItem, DriverError, Effect, Guard, Mutation, Read, RowKey, Write, WriteReply};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Operation;
use crate::record::{Record, WriteStamp};
use crate::time::{Expiry, Timestamp};

/// How many requests of one batch are under way at once.
const CONCURRENT_CHUNKS: usize = 4;
/// How many writes without an answer are looked into at once.
const CONCURRENT_RESOLUTIONS: usize = 16;

/// What a write of a batch left.
pub(super) struct Written {
    pub(super) revision: NewRevision,
    pub(super) expires_at: Expiry,
}

/// The deadline of a chunk. Those that began with the batch have waited for the layout with it; each of the others has
/// its own time.
fn of_chunk(at: usize, deadline: Option<Instant>) -> Option<Instant> {
    deadline.filter(|_| at < CONCURRENT_CHUNKS)
}

/// A read changes nothing, whether it was answered or not.
fn known<T>(item: BatchItem<T>) -> BatchItem<T> {
    match item {
        BatchItem::Done(result) => BatchItem::Done(result.map_err(DriverError::not_applied)),
        BatchItem::Unprocessed => BatchItem::Unprocessed,
    }
}

impl Shared {
    pub(super) async fn read_all(
        &self,
        rows: &[RowKey],
        read: Read,
        deadline: Option<Instant>,
    ) -> Vec<Result<Option<Record>>> {
        let size = self.driver.info().batch.reads.max(1);
        if (1..=size).contains(&rows.len()) {
            return self.read_chunk(rows, read, deadline).await;
        }
        // Collected: a closure over borrowed chunks would keep the future from being proven `Send` in a spawned task.
        let chunks: Vec<_> = rows
            .chunks(size)
            .enumerate()
            .map(|(at, chunk)| self.read_chunk(chunk, read, of_chunk(at, deadline)))
            .collect();
        stream::iter(chunks)
            .buffered(CONCURRENT_CHUNKS)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .flatten()
            .collect()
    }

    /// Reads one request's worth of keys, and again those that were left undone.
    async fn read_chunk(
        &self,
        rows: &[RowKey],
        read: Read,
        deadline: Option<Instant>,
    ) -> Vec<Result<Option<Record>>> {
        let mut attempts = Attempts::until(self, Operation::GetMany, deadline);
        let mut answers = Answers::new(rows.len());
        loop {
            let open = answers.open();
            // All of them, nearly always: then nothing is copied.
            let again: Vec<RowKey>;
            let keys = if open.len() == rows.len() {
                rows
            } else {
                again = open.iter().map(|&at| rows[at].clone()).collect();
                &again
            };
            let trouble = match attempts.run(self.driver.get_batch(keys, read)).await {
                Ok(items) => {
                    answers.take(&open, items.into_iter().map(known).collect(), |error| error.retryable)
                }
                Err(error) => Some(error),
            };
            let Some(trouble) = trouble else { return answers.finish() };
            let given_up = if trouble.retryable {
                attempts.pause(&trouble).await.err()
            } else {
                Some(trouble.into_error())
            };
            if let Some(error) = given_up {
                return answers.finish_with(&error);
            }
        }
    }

    pub(super) async fn write_all(
        &self,
        operation: Operation,
        rows: Vec<RowKey>,
        mutations: Vec<Mutation>,
        deadline: Option<Instant>,
    ) -> Vec<(RowKey, Result<Written>)> {
        // Of all chunks: the later ones have expiries that were made with the first.
        let reading = ClockReading::of(self.clock.as_ref());
        let mut limits = self.driver.info().batch;
        if operation != Operation::PutMany {
            limits.group = None;
        }
        // The stamp's time is set when the chunk is sent.
        let write = |(row, mutation)| {
            (row, Write { mutation, guard: Guard::Always, stamp: WriteStamp::new(self.clock.now()) })
        };
        let writes = rows.into_iter().zip(mutations).map(write).collect();
        let Divided { requests, places } = divided(writes, &limits);
        let sent = requests
            .into_iter()
            .enumerate()
            .map(|(at, chunk)| self.write_chunk(operation, chunk, reading, of_chunk(at, deadline)));
        let written = stream::iter(sent).buffered(CONCURRENT_CHUNKS).collect::<Vec<_>>().await;
        at_their_places(written.into_iter().flatten().collect(), places)
    }

    /// Writes one request's worth, again what was left undone, and one by one what went unanswered.
    async fn write_chunk(
        &self,
        operation: Operation,
        mut writes: Vec<(RowKey, Write)>,
        reading: ClockReading,
        deadline: Option<Instant>,
    ) -> Vec<(RowKey, Result<Written>)> {
        let mut attempts = Attempts::until(self, operation, deadline).since(Some(reading));
        let first_sent_at = self.clock.now();
        let mut answers = Answers::new(writes.len());
        loop {
            let now = self.clock.now();
            if let Err(error) = attempts.check_clock() {
                answers.close(&error);
                break;
            }
            let open = answers.open();
            for &at in &open {
                writes[at].1.stamp.at = now;
            }
            // All of them, nearly always: then nothing is copied.
            let again: Vec<_>;
            let batch = if open.len() == writes.len() {
                &writes
            } else {
                again = open.iter().map(|&at| writes[at].clone()).collect();
                &again
            };
            let trouble = match attempts.run(self.driver.write_batch(batch, now)).await {
                Ok(items) => answers.take(&open, items, DriverError::may_be_sent_again),
                Err(error) if error.effect == Effect::Unknown => {
                    for &at in &open {
                        answers.unanswered(at);
                    }
                    None
                }
                Err(error) => Some(error),
            };
            let Some(trouble) = trouble else { break };
            let given_up = if trouble.may_be_sent_again() {
                attempts.pause(&trouble).await.err()
            } else {
                Some(trouble.into_error())
            };
            if let Some(error) = given_up {
                answers.close(&error);
                break;
            }
        }
        let deadline = attempts.deadline();
        let revisions = self.resolve(operation, &writes, answers, (first_sent_at, reading), deadline).await;
        let written = writes.into_iter().zip(revisions).map(|((row, write), revision)| {
            let expires_at = match write.mutation {
                Mutation::Put { expires_at, .. } | Mutation::Touch { expires_at } => expires_at,
                Mutation::Delete => Expiry::NEVER,
            };
            (row, revision.map(|revision| Written { revision, expires_at }))
        });
        written.collect()
    }

    /// Looks into the writes that went unanswered, each for itself.
    async fn resolve(
        &self,
        operation: Operation,
        writes: &[(RowKey, Write)],
        mut answers: Answers<WriteReply>,
        (first_sent_at, reading): (Timestamp, ClockReading),
        deadline: Instant,
    ) -> Vec<Result<NewRevision>> {
        let unanswered = answers.take_unanswered();
        let resolutions = unanswered.into_iter().map(|at| {
            let (row, write) = &writes[at];
            let change = Change::unanswered(write, first_sent_at, reading, deadline);
            async move { (at, self.write(operation, row, change).await) }
        });
        let mut resolved: HashMap<usize, Result<End>> =
            stream::iter(resolutions).buffer_unordered(CONCURRENT_RESOLUTIONS).collect().await;

        let refused = || Error::new(ErrorKind::Internal, "the driver refused an unconditional write");
        let results =
            answers.finish().into_iter().enumerate().map(|(at, answer)| match resolved.remove(&at) {
                Some(Ok(End::Applied(revision))) => Ok(revision),
                Some(Ok(End::ConditionFailed(_))) => Err(refused()),
                Some(Err(error)) => Err(error),
                None => answer.and_then(|reply| match reply {
                    WriteReply::Applied(revision) => Ok(NewRevision::new(revision)),
                    WriteReply::Refused(_) => Err(refused()),
                }),
            });
        results.collect()
    }
}
