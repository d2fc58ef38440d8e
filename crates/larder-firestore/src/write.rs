//! Changes to one document: one `Commit`.

use gcloud_sdk::google::firestore::v1::precondition::ConditionType;
use gcloud_sdk::google::firestore::v1::write::Operation;
use gcloud_sdk::google::firestore::v1::{CommitRequest, Precondition, Write as Change};
use larder_core::ErrorKind;
use larder_core::driver::{DriverError, Guard, Mutation, Observed, RowKey, Write, WriteReply};
use tonic::{Code, Status};

use crate::codec::{encode, encode_meta, meta, revision, update_time};
use crate::driver::FirestoreDriver;
use crate::names::Place;

/// A guard that Firestore cannot express, or a version of another platform, which cannot hold.
struct Unmet;

/// What a write asks of the document.
fn condition(write: &Write) -> Result<Option<ConditionType>, Unmet> {
    match &write.guard {
        // An update of a document that is not there would make one without a value.
        Guard::Always if matches!(write.mutation, Mutation::Touch { .. }) => {
            Ok(Some(ConditionType::Exists(true)))
        }
        Guard::Always => Ok(None),
        Guard::Absent => Ok(Some(ConditionType::Exists(false))),
        Guard::Live => Err(Unmet),
        Guard::Revision(seen) => {
            update_time(seen).map(|time| Some(ConditionType::UpdateTime(time))).ok_or(Unmet)
        }
    }
}

/// The change that a write makes.
pub(crate) fn change(key: &RowKey, write: &Write, place: &Place) -> Change {
    let name = place.document(key);
    let (operation, update_mask) = match &write.mutation {
        Mutation::Put { value, expires_at, register } => {
            let document = encode(name, value, *expires_at, write.stamp, register.as_deref());
            (Operation::Update(document), None)
        }
        Mutation::Touch { expires_at } => {
            (Operation::Update(encode_meta(name, *expires_at, write.stamp)), Some(meta()))
        }
        Mutation::Delete => (Operation::Delete(name), None),
    };
    Change { operation: Some(operation), update_mask, update_transforms: Vec::new(), current_document: None }
}

impl FirestoreDriver {
    pub(crate) async fn write_one(&self, key: &RowKey, write: &Write) -> Result<WriteReply, DriverError> {
        let Ok(condition) = condition(write) else {
            return Ok(WriteReply::Refused(Observed::NotReturned));
        };
        let is_conditional = condition.is_some();
        let mut change = change(key, write, &self.place);
        change.current_document = condition.map(|condition| Precondition { condition_type: Some(condition) });
        let request = CommitRequest {
            database: self.place.database_name(),
            writes: vec![change],
            ..CommitRequest::default()
        };
        let reply = self
            .call(|mut client| async move {
                match client.commit(request).await {
                    Ok(reply) => Ok(Some(reply.into_inner())),
                    Err(status) if is_conditional && is_refusal(&status) => Ok(None),
                    Err(status) => Err(status),
                }
            })
            .await?;
        let Some(reply) = reply else {
            return Ok(WriteReply::Refused(Observed::NotReturned));
        };
        if matches!(write.mutation, Mutation::Delete) {
            return Ok(WriteReply::Applied(None));
        }
        let time = reply.write_results.first().and_then(|result| result.update_time.as_ref());
        let revision = time.map(revision).ok_or_else(|| no_update_time(&self.place))?;
        Ok(WriteReply::Applied(Some(revision)))
    }
}

/// Whether a precondition did not hold. A database that is not there looks the same; the read that follows tells.
fn is_refusal(status: &Status) -> bool {
    matches!(status.code(), Code::AlreadyExists | Code::FailedPrecondition | Code::NotFound)
}

pub(crate) fn no_update_time(place: &Place) -> DriverError {
    let message = format!("the answer of the {place} to a write lacks the update time");
    DriverError::unknown(ErrorKind::Unavailable, message)
}
