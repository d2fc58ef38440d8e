//! The operations with the raw client's messages.

use std::collections::HashMap;

use bytes::Bytes;
use firestore::{FirestoreDb, FirestoreDbOptions};
use gcloud_sdk::google::firestore::v1::batch_get_documents_response::Result as Found;
use gcloud_sdk::google::firestore::v1::precondition::ConditionType;
use gcloud_sdk::google::firestore::v1::run_query_request::QueryType;
use gcloud_sdk::google::firestore::v1::structured_query::{
    CollectionSelector, Direction, FieldReference, Order,
};
use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::write::Operation;
use gcloud_sdk::google::firestore::v1::{
    BatchGetDocumentsRequest, BatchWriteRequest, CommitRequest, Cursor, Document, DocumentMask, Precondition,
    RunQueryRequest, StructuredQuery, Value, Write,
};
use gcloud_sdk::google_cloud_auth::credentials::Credentials;
use gcloud_sdk::prost_types::Timestamp;

use super::PROJECT;
use super::document::{document, incremented, is_live, meta, row, touched, value};
use super::token::EmulatorToken;
use crate::Outcome;
use crate::clouds_suite::by_hand::{ByHand, Row, When};
use crate::clouds_suite::entries::now;

/// A collection, by the SDK alone.
pub(in crate::clouds_suite) struct Collection {
    db: FirestoreDb,
    /// `projects/P/databases/D`.
    database: String,
    name: String,
}

impl Collection {
    pub(super) async fn connect(name: &str, url: &str) -> Outcome<Self> {
        let options = FirestoreDbOptions::new(PROJECT.to_owned())
            .with_database_id(name.to_owned())
            .with_firebase_api_url(url.to_owned())
            .with_max_retries(0);
        let db = FirestoreDb::with_options_auth(options, Credentials::from(EmulatorToken::new())).await?;
        Ok(Self { db, database: format!("projects/{PROJECT}/databases/{name}"), name: name.to_owned() })
    }

    fn root(&self) -> String {
        format!("{}/documents", self.database)
    }

    fn document(&self, key: &str) -> String {
        format!("{}/documents/{}/k{key}", self.database, self.name)
    }

    async fn read(&self, names: Vec<String>, mask: Option<DocumentMask>) -> Outcome<Vec<Document>> {
        let request = BatchGetDocumentsRequest {
            database: self.database.clone(),
            documents: names,
            mask,
            ..BatchGetDocumentsRequest::default()
        };
        let mut replies = self.db.client().get().batch_get_documents(request).await?.into_inner();
        let mut documents = Vec::new();
        while let Some(reply) = replies.message().await? {
            if let Some(Found::Found(document)) = reply.result {
                documents.push(document);
            }
        }
        Ok(documents)
    }

    /// One document, if it is there.
    async fn read_one(&self, key: &str, mask: Option<DocumentMask>) -> Outcome<Option<Document>> {
        let document = self.read(vec![self.document(key)], mask).await?.pop();
        Ok(document.filter(|document| is_live(document, now())))
    }

    /// Changes one document; returns its update time, unless it is gone.
    async fn commit(
        &self,
        operation: Operation,
        update_mask: Option<DocumentMask>,
        condition: Option<ConditionType>,
    ) -> Outcome<Option<Timestamp>> {
        let write = Write {
            operation: Some(operation),
            update_mask,
            update_transforms: Vec::new(),
            current_document: condition.map(|condition| Precondition { condition_type: Some(condition) }),
        };
        let request = CommitRequest {
            database: self.database.clone(),
            writes: vec![write],
            ..CommitRequest::default()
        };
        let reply = self.db.client().get().commit(request).await?.into_inner();
        Ok(reply.write_results.into_iter().next().and_then(|result| result.update_time))
    }
}

impl ByHand for Collection {
    const SHARDS: u64 = 1;

    type Version = Timestamp;

    async fn get(&self, key: &str) -> Outcome<Bytes> {
        value(self.read_one(key, None).await?.ok_or("no such document")?)
    }

    async fn exists(&self, key: &str) -> Outcome<bool> {
        Ok(self.read_one(key, Some(meta())).await?.is_some())
    }

    async fn put(&self, key: &str, value: Vec<u8>, when: When<Timestamp>) -> Outcome<Timestamp> {
        let condition = match when {
            When::Always => None,
            When::Absent => Some(ConditionType::Exists(false)),
            When::Version(seen) => Some(ConditionType::UpdateTime(seen)),
        };
        let put = Operation::Update(document(self.document(key), value));
        Ok(self.commit(put, None, condition).await?.ok_or("no update time")?)
    }

    /// Firestore has no condition on an expiry: what is live is read first.
    async fn touch(&self, key: &str) -> Outcome<()> {
        let seen = self.read_one(key, Some(meta())).await?.ok_or("no such document")?;
        let condition = seen.update_time.map(ConditionType::UpdateTime);
        self.commit(Operation::Update(touched(seen.name)), Some(meta()), condition).await?;
        Ok(())
    }

    async fn delete(&self, key: &str) -> Outcome<()> {
        self.commit(Operation::Delete(self.document(key)), None, None).await?;
        Ok(())
    }

    async fn increment(&self, key: &str) -> Outcome<i64> {
        let seen = self.read_one(key, None).await?.ok_or("no such counter")?;
        let condition = seen.update_time.map(ConditionType::UpdateTime);
        let (counter, sum) = incremented(seen)?;
        self.commit(Operation::Update(counter), None, condition).await?;
        Ok(sum)
    }

    async fn range(
        &self,
        _shard: u64,
        prefix: &str,
        behind: Option<&str>,
        limit: usize,
    ) -> Outcome<Vec<Row<Timestamp>>> {
        let bound = |text: &str, before| {
            let name = ValueType::ReferenceValue(self.document(text));
            Some(Cursor { values: vec![Value { value_type: Some(name) }], before })
        };
        let name = FieldReference { field_path: "__name__".to_owned() };
        let query = StructuredQuery {
            from: vec![CollectionSelector { collection_id: self.name.clone(), all_descendants: false }],
            order_by: vec![Order { field: Some(name), direction: Direction::Ascending.into() }],
            start_at: bound(behind.unwrap_or(prefix), behind.is_none()),
            end_at: bound(&format!("{prefix}~G"), true),
            // One more, to learn whether there is more.
            limit: Some(i32::try_from(limit + 1)?),
            ..StructuredQuery::default()
        };
        let request = RunQueryRequest {
            parent: self.root(),
            query_type: Some(QueryType::StructuredQuery(query)),
            ..RunQueryRequest::default()
        };
        let mut replies = self.db.client().get().run_query(request).await?.into_inner();
        let now = now();
        let mut rows = Vec::new();
        while let Some(message) = replies.message().await? {
            let Some(document) = message.document else { continue };
            if rows.len() == limit {
                break;
            }
            if !is_live(&document, now) {
                continue;
            }
            rows.push(row(document)?);
        }
        Ok(rows)
    }

    async fn get_many(&self, keys: &[String]) -> Outcome<Vec<Row<Timestamp>>> {
        let names = keys.iter().map(|key| self.document(key)).collect();
        let now = now();
        let mut found = HashMap::new();
        for document in self.read(names, None).await? {
            if is_live(&document, now) {
                let row = row(document)?;
                found.insert(row.key.clone(), row);
            }
        }
        Ok(keys.iter().filter_map(|key| found.remove(key)).collect())
    }

    async fn put_many(&self, entries: Vec<(String, Vec<u8>)>) -> Outcome<Vec<Timestamp>> {
        let count = entries.len();
        let writes = entries.into_iter().map(|(key, value)| Write {
            operation: Some(Operation::Update(document(self.document(&key), value))),
            ..Write::default()
        });
        let request = BatchWriteRequest {
            database: self.database.clone(),
            writes: writes.collect(),
            ..BatchWriteRequest::default()
        };
        let reply = self.db.client().get().batch_write(request).await?.into_inner();
        // 0 is OK.
        let stored = reply.status.iter().filter(|status| status.code == 0).count();
        if stored != count {
            return Err("not all was written".into());
        }
        let times = reply.write_results.into_iter().map(|result| result.update_time);
        times.collect::<Option<_>>().ok_or_else(|| "no update time".into())
    }
}
