//! Many keys in few requests (B1).

use std::collections::HashMap;
use std::pin::pin;

use futures_util::stream::{self, StreamExt};
use tokio::time::Instant;

use super::answers::Answers;
use super::attempts::Attempts;
use super::layout::FoundLayout;
use super::read::entry;
use super::resolve::{Change, End, NewRevision};
use super::{Kv, Shared};
use crate::driver::{
    BatchItem, DriverError, Effect, Guard, Mutation, Projection, Read, RowKey, Write, WriteReply,
};
use crate::entry::Entry;
use crate::error::{Error, ErrorKind, InvalidInput, Result};
use crate::key::{CanonicalKey, check_key};
use crate::layout::Layout;
use crate::operation::Operation;
use crate::options::{PutOptions, expiry};
use crate::record::{Record, WriteStamp};
use crate::time::Timestamp;
use crate::value::Value;
use crate::version::Version;

/// How many requests of one batch are under way at once.
const CONCURRENT_CHUNKS: usize = 4;
/// How many writes without an answer are looked into at once.
const CONCURRENT_RESOLUTIONS: usize = 16;

impl Kv {
    /// Reads any number of entries; answers in the order of the keys (B1).
    ///
    /// Every position has its own result. The reads are not one snapshot. A key that is given twice is read once.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions};
    /// # let kv = Kv::new(MemoryDriver::new());
    /// # kv.put("a", "1", PutOptions::new()).await?;
    /// let found = kv.get_many(["a", "b"]).await?;
    /// assert!(matches!(&found[0], Ok(Some(entry)) if entry.value() == "1"));
    /// assert!(matches!(&found[1], Ok(None)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput`, naming the position, for a bad key, before any I/O; all else is the position's own.
    pub async fn get_many<K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Result<Option<Entry>>>> {
        let keys: Vec<String> = keys.into_iter().map(|key| key.as_ref().to_owned()).collect();
        let work = pin!(async {
            let FoundLayout { layout, deadline } = self.layout_for(&keys).await?;
            let (unique, places) = distinct(&self.rows(layout, &keys));
            let found = self.shared.read_all(&unique, self.reading(Projection::Full), deadline).await;
            let now = self.now();
            let results = places.iter().zip(&keys).map(|(&place, key)| match &found[place] {
                Ok(Some(record)) if !record.expires_at.is_past(now) => {
                    Ok(Some(entry(key, &unique[place], record.clone(), now)))
                }
                Ok(_) => Ok(None),
                Err(error) => Err(self.at_key(error.clone(), Operation::GetMany, key)),
            });
            Ok(results.collect())
        });
        self.observed(Operation::GetMany, work).await
    }

    /// Stores any number of values unconditionally, each with the same TTL; answers in the order given (B1).
    ///
    /// Every position has its own result: its new version. The writes are not atomic: some may be stored and others not.
    /// Of a key that is given twice the last value is stored, and both positions get its result.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> larder_core::Result<()> {
    /// # use larder_core::{Kv, MemoryDriver, PutOptions};
    /// # let kv = Kv::new(MemoryDriver::new());
    /// let results = kv.put_many([("a", "1"), ("b", "2")], None).await?;
    /// assert!(results.iter().all(Result::is_ok));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput`, naming the position, for a bad key, value or TTL, before any I/O; all else is the position's own,
    /// with the kinds of [`Kv::put`].
    pub async fn put_many<K: AsRef<str>, V: Into<Value>>(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
        ttl: impl Into<Option<std::time::Duration>>,
    ) -> Result<Vec<Result<Version>>> {
        let options = PutOptions { ttl: ttl.into(), ..PutOptions::new() };
        let (keys, values): (Vec<String>, Vec<Value>) =
            entries.into_iter().map(|(key, value)| (key.as_ref().to_owned(), value.into())).unzip();
        let work = pin!(async {
            let expires_at = expiry(options.ttl, self.now())?;
            let values = values
                .into_iter()
                .enumerate()
                .map(|(at, value)| value.checked().map_err(|input| input.at(at)));
            let values = values.collect::<Result<Vec<_>, InvalidInput>>()?;
            let mutations =
                values.into_iter().map(|value| Mutation::Put { value, expires_at, register: None }).collect();
            self.write_many(Operation::PutMany, &keys, mutations, |row, revision| {
                revision.version(row, expires_at)
            })
            .await
        });
        self.observed(Operation::PutMany, work).await
    }

    /// Makes any number of keys absent; answers in the order given (B1).
    ///
    /// Every position has its own result. The deletes are not atomic.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, naming the position, for a bad key, before any I/O; all else is the position's own, with the kinds
    /// of [`Kv::delete`].
    pub async fn delete_many<K: AsRef<str>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<Vec<Result<()>>> {
        let keys: Vec<String> = keys.into_iter().map(|key| key.as_ref().to_owned()).collect();
        let work = pin!(async {
            let mutations = vec![Mutation::Delete; keys.len()];
            self.write_many(Operation::DeleteMany, &keys, mutations, |_, _| Ok(())).await
        });
        self.observed(Operation::DeleteMany, work).await
    }

    async fn write_many<T: Clone>(
        &self,
        operation: Operation,
        keys: &[String],
        mut mutations: Vec<Mutation>,
        answer: impl Fn(&RowKey, NewRevision) -> Result<T>,
    ) -> Result<Vec<Result<T>>> {
        let FoundLayout { layout, deadline } = self.layout_for(keys).await?;
        layout.check_writer()?;
        let (unique, places) = distinct(&self.rows(layout, keys));
        // Of a key given twice the last mutation stands at its place.
        let mut last = vec![Mutation::Delete; unique.len()];
        for (&place, mutation) in places.iter().zip(mutations.drain(..)) {
            last[place] = mutation;
        }
        let done = self.shared.write_all(operation, &unique, last, deadline).await;
        let answers: Vec<Result<T>> = unique
            .iter()
            .zip(done)
            .map(|(row, done)| done.and_then(|revision| answer(row, revision)))
            .collect();
        let results = places
            .iter()
            .zip(keys)
            .map(|(&place, key)| answers[place].clone().map_err(|error| self.at_key(error, operation, key)));
        Ok(results.collect())
    }

    /// Checks all keys, naming the position of the first bad one, before it asks the store for anything.
    async fn layout_for(&self, keys: &[String]) -> Result<FoundLayout<'_>> {
        for (at, key) in keys.iter().enumerate() {
            check_key(&self.namespace, key).map_err(|input| input.at(at))?;
        }
        self.shared.layout().await
    }

    /// Finds where keys live.
    fn rows(&self, layout: &Layout, keys: &[String]) -> Vec<RowKey> {
        let rows = keys.iter().map(|key| {
            let key = CanonicalKey::from_parts(&self.namespace, key);
            RowKey { shard: layout.shard_of(&key), key }
        });
        rows.collect()
    }

    fn at_key(&self, error: Error, operation: Operation, key: &str) -> Error {
        error
            .with_operation(operation)
            .with_binding(std::sync::Arc::clone(&self.shared.binding))
            .with_key(key, self.shared.show_full_keys)
    }
}

/// The distinct keys, and for each position which of them it is.
fn distinct(rows: &[RowKey]) -> (Vec<RowKey>, Vec<usize>) {
    let mut unique = Vec::with_capacity(rows.len());
    let mut index = HashMap::with_capacity(rows.len());
    let places = rows
        .iter()
        .map(|row| {
            *index.entry(row).or_insert_with(|| {
                unique.push(row.clone());
                unique.len() - 1
            })
        })
        .collect();
    (unique, places)
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
    async fn read_all(
        &self,
        rows: &[RowKey],
        read: Read,
        deadline: Option<Instant>,
    ) -> Vec<Result<Option<Record>>> {
        let size = self.driver.info().batch.reads.max(1);
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

    async fn write_all(
        &self,
        operation: Operation,
        rows: &[RowKey],
        mutations: Vec<Mutation>,
        deadline: Option<Instant>,
    ) -> Vec<Result<NewRevision>> {
        let chunks = self.chunks(rows, mutations);
        let writes = chunks
            .into_iter()
            .enumerate()
            .map(|(at, chunk)| self.write_chunk(operation, chunk, of_chunk(at, deadline)));
        stream::iter(writes)
            .buffered(CONCURRENT_CHUNKS)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .flatten()
            .collect()
    }

    /// Divides writes by the platform's counts and bytes.
    fn chunks(&self, rows: &[RowKey], mutations: Vec<Mutation>) -> Vec<Vec<(RowKey, Write)>> {
        let limits = self.driver.info().batch;
        let mut chunks: Vec<Vec<(RowKey, Write)>> = Vec::new();
        let mut bytes = 0;
        for (row, mutation) in rows.iter().zip(mutations) {
            let size = row.key.as_bytes().len()
                + match &mutation {
                    Mutation::Put { value, .. } => value.len(),
                    Mutation::Touch { .. } | Mutation::Delete => 0,
                };
            // The stamp's time is set when the chunk is sent.
            let stamp = WriteStamp::new(self.clock.now());
            let write = (row.clone(), Write { mutation, guard: Guard::Always, stamp });
            match chunks.last_mut() {
                Some(chunk) if chunk.len() < limits.writes && bytes + size <= limits.write_bytes => {
                    bytes += size;
                    chunk.push(write);
                }
                _ => {
                    bytes = size;
                    chunks.push(vec![write]);
                }
            }
        }
        chunks
    }

    /// Writes one request's worth, again what was left undone, and one by one what went unanswered.
    async fn write_chunk(
        &self,
        operation: Operation,
        mut writes: Vec<(RowKey, Write)>,
        deadline: Option<Instant>,
    ) -> Vec<Result<NewRevision>> {
        let mut attempts = Attempts::until(self, operation, deadline);
        let first_sent_at = self.clock.now();
        let mut answers = Answers::new(writes.len());
        loop {
            let now = self.clock.now();
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
        self.resolve(operation, &writes, answers, first_sent_at, attempts.deadline()).await
    }

    /// Looks into the writes that went unanswered, each for itself.
    async fn resolve(
        &self,
        operation: Operation,
        writes: &[(RowKey, Write)],
        mut answers: Answers<WriteReply>,
        first_sent_at: Timestamp,
        deadline: Instant,
    ) -> Vec<Result<NewRevision>> {
        let unanswered = answers.take_unanswered();
        let resolutions = unanswered.into_iter().map(|at| {
            let (row, write) = &writes[at];
            let change = Change::unanswered(write, first_sent_at, deadline);
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
