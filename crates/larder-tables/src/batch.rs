//! Many rows at once. There is no batch of reads, and one of deletes fails as a whole where one row is missing.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use larder_core::ErrorKind;
use larder_core::driver::{BatchItem, Driver, DriverError, Mutation, Read, RowKey, Shard, Write, WriteReply};
use larder_core::record::{Record, Revision};
use tokio::time::Instant;

use crate::codec::Entity;
use crate::driver::TablesDriver;
use crate::error::{Failure, failed};
use crate::group::{Group, MOST_BYTES, MOST_ROWS, most_bytes};

/// How many requests of one batch are under way at once; each has a connection of its own.
const CONCURRENT: usize = 32;
/// No delete is begun later than this after the batch began, so that those under way end within the attempt: its end
/// would leave all of the batch in doubt. What is not begun is sent again, as the next batch.
const DELETES: Duration = Duration::from_millis(1_200);

/// The rows of one group: where each stands in the batch, and the most bytes of all.
struct Rows {
    shard: Shard,
    bytes: usize,
    places: Vec<usize>,
}

type Answered = Vec<(usize, BatchItem<WriteReply>)>;

impl TablesDriver {
    pub(crate) async fn read_many(&self, keys: &[RowKey], read: Read) -> Vec<BatchItem<Option<Record>>> {
        // Collected: a closure over borrowed keys would keep the future from being proven `Send` in a spawned task.
        let reads: Vec<_> = keys.iter().map(|key| self.get(key, read)).collect();
        stream::iter(reads).buffered(CONCURRENT).map(BatchItem::Done).collect().await
    }

    pub(crate) async fn write_many(
        &self,
        writes: &[(RowKey, Write)],
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        let deletes_end = Instant::now() + DELETES;
        let mut groups: Vec<Rows> = Vec::new();
        let mut deletes = Vec::new();
        for (at, (row, write)) in writes.iter().enumerate() {
            match &write.mutation {
                Mutation::Put { value, register, .. } => {
                    let bytes = most_bytes(&self.client.rows, row, value, register.as_deref());
                    add(&mut groups, row.shard, at, bytes);
                }
                Mutation::Delete => deletes.push(self.delete_one(at, row, write, deletes_end)),
                Mutation::Touch { .. } => {
                    return Err(DriverError::refused(ErrorKind::Internal, "a batch cannot touch"));
                }
            }
        }
        let groups: Vec<_> = groups.into_iter().map(|rows| self.write_group(writes, rows)).collect();
        let (puts, deletes): (Vec<Answered>, Answered) = futures_util::future::join(
            stream::iter(groups).buffer_unordered(CONCURRENT).collect(),
            stream::iter(deletes).buffer_unordered(CONCURRENT).collect(),
        )
        .await;
        let mut answers: Vec<_> = writes.iter().map(|_| BatchItem::Unprocessed).collect();
        for (at, answer) in puts.into_iter().flatten().chain(deletes) {
            answers[at] = answer;
        }
        Ok(answers)
    }

    async fn delete_one(
        &self,
        at: usize,
        row: &RowKey,
        write: &Write,
        until: Instant,
    ) -> (usize, BatchItem<WriteReply>) {
        if Instant::now() >= until {
            return (at, BatchItem::Unprocessed);
        }
        (at, BatchItem::Done(self.write_one(row, write).await))
    }

    async fn write_group(&self, writes: &[(RowKey, Write)], rows: Rows) -> Answered {
        let etags = match self.group(writes, &rows) {
            Ok(group) => self.client.send_group(group).await,
            Err(failure) => Err(failure),
        };
        let places = rows.places.into_iter();
        match etags {
            Ok(etags) => {
                let applied = |etag| BatchItem::Done(Ok(WriteReply::Applied(Some(Revision::Platform(etag)))));
                places.zip(etags.into_iter().map(applied)).collect()
            }
            Err(failure) => {
                // None of them was applied, or nobody knows of any.
                let error = failed(failure, &self.place);
                places.map(|at| (at, BatchItem::Done(Err(error.clone())))).collect()
            }
        }
    }

    fn group(&self, writes: &[(RowKey, Write)], rows: &Rows) -> Result<Group, Failure> {
        let mut group = Group::with_capacity(rows.bytes);
        for &at in &rows.places {
            let (row, write) = &writes[at];
            if let Mutation::Put { value, expires_at, register } = &write.mutation {
                let entity = Entity::put(row, value, *expires_at, write.stamp, register.as_deref());
                group.add(&self.client.rows, row, &entity)?;
            }
        }
        Ok(group)
    }
}

/// Puts a row into the last group of its shard, or into a new one where that is full.
fn add(groups: &mut Vec<Rows>, shard: Shard, at: usize, bytes: usize) {
    let last = groups.iter_mut().rev().find(|group| group.shard == shard);
    match last.filter(|group| group.places.len() < MOST_ROWS && group.bytes + bytes <= MOST_BYTES) {
        Some(group) => {
            group.bytes += bytes;
            group.places.push(at);
        }
        None => groups.push(Rows { shard, bytes, places: vec![at] }),
    }
}
