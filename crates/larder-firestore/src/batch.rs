//! Documents by name: one `BatchGetDocuments` for one or many, and one `BatchWrite`, which is not atomic.

use std::collections::HashMap;

use gcloud_sdk::google::firestore::v1::batch_get_documents_response::Result as Found;
use gcloud_sdk::google::firestore::v1::{BatchGetDocumentsRequest, BatchWriteRequest, Document};
use larder_core::driver::{BatchItem, DriverError, Mutation, Projection, Read, RowKey, Write, WriteReply};
use larder_core::record::Record;
use larder_core::{ErrorKind, Timestamp};
use tonic::Code;

use crate::codec::{decode, mask, moment, revision};
use crate::driver::FirestoreDriver;
use crate::error::answer;
use crate::names::Place;
use crate::write::{change, no_update_time};

/// What was found of some documents, and when by the server's clock.
#[derive(Default)]
pub(crate) struct Documents {
    /// By name; a document that is not there is `None`.
    answers: HashMap<String, Option<Document>>,
    pub(crate) read_at: Option<Timestamp>,
}

impl Documents {
    /// The record in a document that was asked for.
    fn take(
        &mut self,
        name: &str,
        projection: Projection,
        place: &Place,
    ) -> Result<Option<Record>, DriverError> {
        let Some(document) = self.answers.remove(name) else {
            // Never a miss (G3).
            let message = format!("the answer of the {place} lacks a document that was asked for");
            return Err(DriverError::refused(ErrorKind::Unavailable, message));
        };
        let record = document.map(|document| decode(document, projection)).transpose();
        record.map_err(|reason| DriverError::refused(ErrorKind::Corrupt, reason))
    }
}

impl FirestoreDriver {
    pub(crate) async fn read_one(&self, key: &RowKey, read: Read) -> Result<Option<Record>, DriverError> {
        let name = self.place.document(key);
        let mut documents = self.documents(vec![name.clone()], read.projection).await?;
        documents.take(&name, read.projection, &self.place)
    }

    pub(crate) async fn read_batch(
        &self,
        keys: &[RowKey],
        read: Read,
    ) -> Result<Vec<BatchItem<Option<Record>>>, DriverError> {
        let names: Vec<_> = keys.iter().map(|key| self.place.document(key)).collect();
        let mut documents = self.documents(names.clone(), read.projection).await?;
        let answer = |name| BatchItem::Done(documents.take(name, read.projection, &self.place));
        Ok(names.iter().map(String::as_str).map(answer).collect())
    }

    /// Reads documents. Every read of Firestore is strong, and there is no cheaper one.
    pub(crate) async fn documents(
        &self,
        names: Vec<String>,
        projection: Projection,
    ) -> Result<Documents, DriverError> {
        let request = BatchGetDocumentsRequest {
            database: self.place.database_name(),
            documents: names,
            mask: mask(projection),
            ..BatchGetDocumentsRequest::default()
        };
        self.call(|mut client| async move {
            let mut replies = client.batch_get_documents(request).await?.into_inner();
            let mut documents = Documents::default();
            // In any order.
            while let Some(reply) = replies.message().await? {
                documents.read_at = reply.read_time.as_ref().and_then(moment).or(documents.read_at);
                match reply.result {
                    Some(Found::Found(document)) => {
                        documents.answers.insert(document.name.clone(), Some(document));
                    }
                    Some(Found::Missing(name)) => _ = documents.answers.insert(name, None),
                    None => {}
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
        let request = BatchWriteRequest {
            database: self.place.database_name(),
            writes: writes.iter().map(|(key, write)| change(key, write, &self.place)).collect(),
            ..BatchWriteRequest::default()
        };
        let reply = self
            .call(|mut client| async move { Ok(client.batch_write(request).await?.into_inner()) })
            .await?;
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
