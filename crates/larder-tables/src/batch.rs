//! Many rows at once. There is no batch of reads, and one of deletes fails as a whole where one row is missing.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use larder_core::ErrorKind;
use larder_core::driver::{BatchItem, Driver, DriverError, Mutation, Read, RowKey, Write, WriteReply};
use larder_core::record::{Record, Revision};
use tokio::time::Instant;

use crate::codec::Entity;
use crate::driver::TablesDriver;
use crate::error::failed;
use crate::group::{MOST_BYTES, MOST_ROWS, Part};

/// How many requests of one batch are under way at once; each has a connection of its own.
const CONCURRENT: usize = 32;
/// No delete is begun later than this after the batch began, so that those under way end within the attempt: its end
/// would leave all of the batch in doubt. What is not begun is sent again, as the next batch.
const DELETES: Duration = Duration::from_millis(1_200);

/// The rows of one group: where each stands in the batch, and what is sent of it.
#[derive(Default)]
struct Group {
    shard: u16,
    bytes: usize,
    rows: Vec<(usize, Part)>,
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
        let mut groups: Vec<Group> = Vec::new();
        let mut deletes = Vec::new();
        for (at, (row, write)) in writes.iter().enumerate() {
            match &write.mutation {
                Mutation::Put { value, expires_at, register } => {
                    let entity = Entity::put(row, value, *expires_at, write.stamp, register.as_deref());
                    let part =
                        self.client.part(row, &entity).map_err(|failure| failed(failure, &self.place))?;
                    add(&mut groups, row.shard.0, at, part);
                }
                Mutation::Delete => deletes.push(self.delete_one(at, row, write, deletes_end)),
                Mutation::Touch { .. } => {
                    return Err(DriverError::refused(ErrorKind::Internal, "a batch cannot touch"));
                }
            }
        }
        let groups: Vec<_> = groups.into_iter().map(|group| self.write_group(group)).collect();
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

    async fn write_group(&self, group: Group) -> Answered {
        let parts: Vec<&Part> = group.rows.iter().map(|(_, part)| part).collect();
        let places = group.rows.iter().map(|(at, _)| *at);
        match self.client.send_group(&parts).await {
            Ok(etags) => places
                .zip(etags)
                .map(|(at, etag)| {
                    (at, BatchItem::Done(Ok(WriteReply::Applied(Some(Revision::Platform(etag.into()))))))
                })
                .collect(),
            Err(failure) => {
                // None of them was applied, or nobody knows of any.
                let error = failed(failure, &self.place);
                places.map(|at| (at, BatchItem::Done(Err(error.clone())))).collect()
            }
        }
    }
}

/// Puts a row into the last group of its shard, or into a new one where that is full.
fn add(groups: &mut Vec<Group>, shard: u16, at: usize, part: Part) {
    let has_room = |group: &&mut Group| {
        group.shard == shard && group.rows.len() < MOST_ROWS && group.bytes + part.len() <= MOST_BYTES
    };
    match groups.iter_mut().rev().find(|group| group.shard == shard).filter(has_room) {
        Some(group) => {
            group.bytes += part.len();
            group.rows.push((at, part));
        }
        None => groups.push(Group { shard, bytes: part.len(), rows: vec![(at, part)] }),
    }
}
