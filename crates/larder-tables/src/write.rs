//! Changes to one row.

use larder_core::driver::{DriverError, Guard, Mutation, Observed, RowKey, Write, WriteReply};
use larder_core::record::Revision;

use crate::codec::Entity;
use crate::driver::TablesDriver;
use crate::error::{Failure, failed};
use crate::rows::IfMatch;

/// What a row must be for a write, as far as Azure can tell.
enum Condition<'a> {
    None,
    Missing,
    Match(&'a str),
    /// It cannot, or no row here can be so: the handle has to read.
    Beyond,
}

impl<'a> Condition<'a> {
    fn of(guard: &'a Guard) -> Self {
        match guard {
            Guard::Always => Self::None,
            Guard::Absent => Self::Missing,
            Guard::Revision(Revision::Platform(etag)) if is_etag(etag) => Self::Match(etag),
            // An expiry cannot be compared in a condition, and the others are versions of another platform.
            Guard::Live | Guard::Revision(_) => Self::Beyond,
        }
    }
}

/// Whether a version is one of Azure's: `W/"..."`. It comes from the caller and becomes a header.
fn is_etag(text: &str) -> bool {
    text.strip_prefix("W/\"")
        .and_then(|rest| rest.strip_suffix('"'))
        .is_some_and(|inner| inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'))
}

impl TablesDriver {
    pub(crate) async fn write_one(&self, row: &RowKey, write: &Write) -> Result<WriteReply, DriverError> {
        let client = &*self.client;
        let condition = Condition::of(&write.guard);
        let done = match &write.mutation {
            Mutation::Put { value, expires_at, register } => {
                let entity = Entity::put(row, value, *expires_at, write.stamp, register.as_deref());
                match condition {
                    Condition::None => client.replace_any(row, &entity).await,
                    Condition::Missing => client.insert(&entity).await,
                    Condition::Match(etag) => client.replace(row, &entity, IfMatch::Etag(etag)).await,
                    Condition::Beyond => return Ok(WriteReply::Refused(Observed::NotReturned)),
                }
                .map(Some)
            }
            Mutation::Touch { expires_at } => {
                let entity = Entity::touch(row, *expires_at, write.stamp);
                match condition {
                    Condition::None => client.merge(row, &entity, IfMatch::Any).await,
                    Condition::Match(etag) => client.merge(row, &entity, IfMatch::Etag(etag)).await,
                    // A row that is not there has nothing to keep.
                    Condition::Missing | Condition::Beyond => {
                        return Ok(WriteReply::Refused(Observed::NotReturned));
                    }
                }
                .map(Some)
            }
            Mutation::Delete => {
                let when = match condition {
                    Condition::None => IfMatch::Any,
                    Condition::Match(etag) => IfMatch::Etag(etag),
                    Condition::Missing | Condition::Beyond => {
                        return Ok(WriteReply::Refused(Observed::NotReturned));
                    }
                };
                match client.delete(row, when).await {
                    // What is not there is as absent as it was asked to be.
                    Err(failure) if is_missing(&failure) && matches!(when, IfMatch::Any) => Ok(None),
                    done => done.map(|()| None),
                }
            }
        };
        match done {
            Ok(etag) => Ok(WriteReply::Applied(etag.map(Revision::Platform))),
            Err(failure) => self.refused(failure, write),
        }
    }

    /// What a write met whose condition did not hold, or the error that it ended in.
    fn refused(&self, failure: Failure, write: &Write) -> Result<WriteReply, DriverError> {
        let observed = match failure.refusal() {
            Some(refusal) if refusal.is_taken() || refusal.is_changed() => Some(Observed::NotReturned),
            Some(refusal) if refusal.is_missing_row() && needs_row(write) => Some(Observed::Absent),
            _ => None,
        };
        match observed {
            Some(observed) => Ok(WriteReply::Refused(observed)),
            None => Err(failed(failure, &self.place)),
        }
    }
}

/// Whether a write is of a row that has to be there. To another one an answer that says it is not is about something else,
/// and would be the same however often it were sent.
fn needs_row(write: &Write) -> bool {
    matches!(write.guard, Guard::Revision(_)) || matches!(write.mutation, Mutation::Touch { .. })
}

fn is_missing(failure: &Failure) -> bool {
    failure.refusal().is_some_and(|refusal| refusal.is_missing_row())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_azures_own_versions_become_headers() {
        assert!(is_etag("W/\"datetime'2026-01-01T00%3A00%3A00.1234567Z'\""));
        for other in ["", "1767225600.123456000", "W/\"a\r\nx: y\"", "W/\"a\"b\"", "\"a\"", "*"] {
            assert!(!is_etag(other), "{other:?}");
        }
    }
}
