//! Ranges of keys: one `RunQuery`.

use gcloud_sdk::google::firestore::v1::run_query_request::QueryType;
use gcloud_sdk::google::firestore::v1::structured_query::{
    CollectionSelector, Direction, FieldReference, Order, Projection as Fields,
};
use gcloud_sdk::google::firestore::v1::value::ValueType;
use gcloud_sdk::google::firestore::v1::{Cursor, RunQueryRequest, StructuredQuery, Value};
use larder_core::driver::{DriverError, Projection, ScanReply, ScanRequest, ScanRow, ScanStart, StoredKey};
use larder_core::{AFTER_EVERY_KEY, ErrorKind, MAX_PAGE_LIMIT};

use crate::codec::{META, decode};
use crate::driver::FirestoreDriver;
use crate::message::Framed;
use crate::reply::{Document, queried};

/// The name of a document, in a query.
const NAME: &str = "__name__";

impl FirestoreDriver {
    pub(crate) async fn query(&self, request: &ScanRequest) -> Result<ScanReply, DriverError> {
        let projection = request.read.projection;
        let (rows, more) = self
            .found(request, |key, document| {
                let record = decode(document, projection);
                let bytes = record.as_ref().map_or(0, |record| record.value.len());
                (ScanRow { key, record }, bytes)
            })
            .await?;
        Ok(ScanReply { rows, more })
    }

    /// The documents of a range, each made into something, with the bytes of its value; and whether there are more.
    pub(crate) async fn found<T: Send>(
        &self,
        request: &ScanRequest,
        make: impl Fn(StoredKey, &Document<'_>) -> (T, usize) + Send + Sync,
    ) -> Result<(Vec<T>, bool), DriverError> {
        let limit = request.limit.clamp(1, MAX_PAGE_LIMIT);
        let shard = request.shard;
        // One row more than asked for: Firestore does not say whether there are more.
        let query = self.request(self.range(request, limit + 1));
        let (max_bytes, place) = (request.max_bytes, &self.place);
        let reply = self
            .call(|mut client| async move {
                let mut replies = client.run_query(query).await?;
                let (mut rows, mut more, mut bytes) = (Vec::new(), false, 0);
                while let Some(message) = replies.message().await? {
                    let Some(document) = queried(&message)? else { continue };
                    // What the server has not sent yet it need not send.
                    if rows.len() == limit || bytes >= max_bytes {
                        more = true;
                        break;
                    }
                    let Some(key) = place.key(shard, document.name) else { return Ok(None) };
                    let (row, size) = make(key, &document);
                    bytes += size;
                    rows.push(row);
                }
                Ok(Some((rows, more)))
            })
            .await?;
        reply.ok_or_else(|| {
            let reason = format!("the {place} answered with a document outside of the range");
            DriverError::refused(ErrorKind::Internal, reason)
        })
    }

    /// Looks at the whole collection, since a document of somebody else's may be in no range of Larder's.
    pub(crate) async fn has_no_documents(&self) -> Result<bool, DriverError> {
        let query = StructuredQuery {
            select: Some(Fields { fields: vec![FieldReference { field_path: NAME.to_owned() }] }),
            from: self.collection(),
            limit: Some(1),
            ..StructuredQuery::default()
        };
        let request = self.request(query);
        self.call(|mut client| async move {
            let mut replies = client.run_query(request).await?;
            while let Some(message) = replies.message().await? {
                if queried(&message)?.is_some() {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }

    fn request(&self, query: StructuredQuery) -> Framed {
        let request = RunQueryRequest {
            parent: self.place.root.clone(),
            query_type: Some(QueryType::StructuredQuery(query)),
            ..RunQueryRequest::default()
        };
        Framed::of_sdk(&request)
    }

    fn collection(&self) -> Vec<CollectionSelector> {
        vec![CollectionSelector { collection_id: self.place.collection.clone(), all_descendants: false }]
    }

    fn range(&self, request: &ScanRequest, limit: usize) -> StructuredQuery {
        let (start, before) = match &request.start {
            ScanStart::At(text) => (text.as_str(), true),
            ScanStart::After(key) => (key.as_str(), false),
        };
        // No control character in a name: this bounds the same keys, since a digit or A to F follows every `~`.
        let end = match request.end.strip_suffix(AFTER_EVERY_KEY) {
            Some(prefix) => format!("{prefix}~G"),
            None => request.end.clone(),
        };
        let bound = |text: &str, before| {
            let name = self.place.bound(request.shard, text).whole();
            let values = vec![Value { value_type: Some(ValueType::ReferenceValue(name)) }];
            Some(Cursor { values, before })
        };
        let name = || FieldReference { field_path: NAME.to_owned() };
        let fields = || {
            let field = |name: &str| FieldReference { field_path: name.to_owned() };
            Fields { fields: META.into_iter().map(field).collect() }
        };
        StructuredQuery {
            select: (request.read.projection == Projection::Meta).then(fields),
            from: self.collection(),
            order_by: vec![Order { field: Some(name()), direction: Direction::Ascending.into() }],
            start_at: bound(start, before),
            end_at: bound(&end, true),
            limit: Some(i32::try_from(limit).unwrap_or(i32::MAX)),
            ..StructuredQuery::default()
        }
    }
}
