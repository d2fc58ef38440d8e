//! Documents by name: one `BatchGetDocuments` for one or many, and one `BatchWrite`, which is not atomic.

use std::collections::HashMap;

use larder_core::driver::{BatchItem, DriverError, Mutation, Projection, Read, RowKey, Write, WriteReply};
use larder_core::record::Record;
use larder_core::{ErrorKind, Timestamp};
use tonic::Code;

use crate::codec::{decode, moment, revision, select};
use crate::driver::FirestoreDriver;
use crate::error::answer;
use crate::names::Place;
use crate::raw::Replies;
use crate::reply::Got;
use crate::request::{Write as Request, reads, writes as request};
use crate::write::{change, no_update_time};

/// The record of a document that is there, or why it cannot be decoded.
type Answer = Option<Result<Record, String>>;

/// What was found of some documents, and when by the server's clock.
pub(crate) struct Documents {
    /// In the order of the keys; `None` where no answer came.
    answers: Vec<Option<Answer>>,
    pub(crate) read_at: Option<Timestamp>,
}

/// What was found of a document that was asked for.
fn found(answer: Option<Answer>, place: &Place) -> Result<Option<Record>, DriverError> {
    let Some(answer) = answer else {
        // Never a miss (G3).
        let message = format!("the answer of the {place} lacks a document that was asked for");
        return Err(DriverError::refused(ErrorKind::Unavailable, message));
    };
    answer.transpose().map_err(|reason| DriverError::refused(ErrorKind::Corrupt, reason))
}

/// Finds which of the keys an answer is about. Answers come in any order, mostly in that of the keys.
struct Places<'a> {
    place: &'a Place,
    keys: &'a [RowKey],
    next: usize,
    /// By id; made when an answer is out of order.
    all: Option<HashMap<String, usize>>,
}

impl<'a> Places<'a> {
    fn new(place: &'a Place, keys: &'a [RowKey]) -> Self {
        Self { place, keys, next: 0, all: None }
    }

    /// The place of the document with this name; `None` for one that nobody asked for.
    fn of(&mut self, name: &str) -> Option<usize> {
        let id = self.place.id(name)?;
        let next = self.next;
        if self.keys.get(next).is_some_and(|key| self.place.document(key).has_id(id)) {
            self.next += 1;
            return Some(next);
        }
        let keys = self.keys.iter().enumerate();
        let all = self
            .all
            .get_or_insert_with(|| keys.map(|(at, key)| (self.place.document(key).id(), at)).collect());
        all.get(id).copied()
    }
}

impl FirestoreDriver {
    pub(crate) async fn read_one(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        let mut documents = self.documents(std::slice::from_ref(key), read.projection).await?;
        found(documents.answers.pop().flatten(), &self.place)
    }

    pub(crate) async fn read_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        let documents = self.documents(keys, read.projection).await?;
        let answers = documents.answers.into_iter();
        Ok(answers.map(|answer| BatchItem::Done(found(answer, &self.place))).collect())
    }

    /// Reads documents. Every read of Firestore is strong, and there is no cheaper one.
    pub(crate) async fn documents(
        &self,
        keys: &[RowKey],
        projection: Projection,
    ) -> Result<Documents, DriverError> {
        let place = &*self.place;
        let names = keys.iter().map(|key| place.document(key));
        let request = reads(&place.database_name, names, select(projection));
        self.call(|mut client| async move {
            let replies = if keys.len() == 1 { Replies::Short } else { Replies::Long };
            let mut replies = client.batch_get_documents(request, replies).await?;
            let mut places = Places::new(place, keys);
            let mut documents = Documents { answers: Vec::new(), read_at: None };
            documents.answers.resize_with(keys.len(), || None);
            while let Some(message) = replies.message().await? {
                let got = Got::read(&message)?;
                documents.read_at = got.read_time.as_ref().and_then(moment).or(documents.read_at);
                let name = got.found.as_ref().map(|document| document.name).or(got.missing);
                if let Some(at) = name.and_then(|name| places.of(name)) {
                    documents.answers[at] = Some(got.found.map(|document| decode(&document, projection)));
                }
            }
            Ok(documents)
        })
        .await
    }

    pub(crate) async fn write_many(
        &self,
        writes: &[(RowKey, Write)],
    ) -> Result<Vec<BatchItem<WriteReply>>, DriverError> {
        if writes.iter().any(|(_, write)| matches!(write.mutation, Mutation::Touch { .. })) {
            return Err(DriverError::refused(ErrorKind::Internal, "a batch cannot touch"));
        }
        let place = &*self.place;
        let changes = writes.iter().map(|(key, write)| change(key, write, place));
        let changes: Vec<_> = changes.map(|change| Request { change, condition: None }).collect();
        let request = request(&place.database_name, &changes);
        let reply = self.call(|mut client| async move { client.batch_write(request).await }).await?;
        let answer = |(at, (_, write)): (usize, &(RowKey, Write))| {
            // A position without a status: nobody knows.
            let code = reply.status.get(at).map_or(Code::Unknown, |status| Code::from_i32(status.code));
            let time = reply.write_results.get(at).and_then(|result| result.update_time.as_ref());
            match code {
                Code::Ok if matches!(write.mutation, Mutation::Delete) => {
                    BatchItem::Done(Ok(WriteReply::Applied(None)))
                }
                Code::Ok => BatchItem::Done(match time {
                    Some(time) => Ok(WriteReply::Applied(Some(revision(time)))),
                    None => Err(no_update_time(&self.place)),
                }),
                Code::Aborted | Code::ResourceExhausted => BatchItem::Unprocessed,
                code => BatchItem::Done(Err(answer(code, &self.place))),
            }
        };
        Ok(writes.iter().enumerate().map(answer).collect())
    }
}

#[cfg(test)]
mod tests {
    use larder_core::CanonicalKey;
    use larder_core::driver::Shard;

    use super::*;

    #[test]
    fn an_answer_finds_its_key_whatever_the_order_and_the_projects_name() {
        let place = Place::new("p".into(), "(default)".into(), "c".into(), "https://host".into());
        let row = |shard, key| RowKey { shard, key: CanonicalKey::from_canonical(key).expect("canonical") };
        let keys = [row(Shard(0), "a"), row(Shard(0), "b"), row(Shard::SYSTEM, "!a"), row(Shard(0), "c")];
        for project in ["p", "123456789"] {
            let name = |id| format!("projects/{project}/databases/(default)/documents/c/{id}");
            for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [0, 2, 1, 3]] {
                let mut places = Places::new(&place, &keys);
                for at in order {
                    assert_eq!(places.of(&name(["ka", "kb", "sa", "kc"][at])), Some(at), "{order:?}");
                }
            }
            let mut places = Places::new(&place, &keys);
            assert_eq!(places.of(&name("kd")), None);
            assert_eq!(places.of(&name("ka")), Some(0), "it is asked for all the same");
        }
    }
}
