//! Changes to one document: one `Commit`.

use larder_core::ErrorKind;
use larder_core::driver::{DriverError, Guard, Mutation, Observed, RowKey, Write, WriteReply};
use tonic::{Code, Status};

use crate::codec::{encode, encode_meta, revision, update_time};
use crate::driver::FirestoreDriver;
use crate::names::Place;
use crate::request::{Change, Condition, Write as Request, writes};

/// A guard that Firestore cannot express, or a version of another platform, which cannot hold.
struct Unmet;

/// What a write asks of the document.
fn condition(write: &Write) -> Result<Option<Condition>, Unmet> {
    match &write.guard {
        // An update of a document that is not there would make one without a value.
        Guard::Always if matches!(write.mutation, Mutation::Touch { .. }) => {
            Ok(Some(Condition::Exists(true)))
        }
        Guard::Always => Ok(None),
        Guard::Absent => Ok(Some(Condition::Exists(false))),
        Guard::Live => Err(Unmet),
        Guard::Revision(seen) => update_time(seen).map(|time| Some(Condition::UpdateTime(time))).ok_or(Unmet),
    }
}

/// The change that a write makes.
pub(crate) fn change<'a>(key: &'a RowKey, write: &'a Write, place: &'a Place) -> Change<'a> {
    let name = place.document(key);
    match &write.mutation {
        Mutation::Put { value, expires_at, register } => {
            Change::Replace(encode(name, value, *expires_at, write.stamp, register.as_deref()))
        }
        Mutation::Touch { expires_at } => Change::Touch(encode_meta(name, *expires_at, write.stamp)),
        Mutation::Delete => Change::Delete(name),
    }
}

impl FirestoreDriver {
    pub(crate) async fn write_one(&self, key: &RowKey, write: &Write) -> Result<WriteReply, DriverError> {
        let Ok(condition) = condition(write) else {
            return Ok(WriteReply::Refused(Observed::NotReturned));
        };
        let is_conditional = condition.is_some();
        let request = Request { change: change(key, write, &self.place), condition };
        let request = writes(&self.place.database_name, &[request]);
        let reply = self
            .call(|mut client| async move {
                match client.commit(request).await {
                    Ok(reply) => Ok(Some(reply)),
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
