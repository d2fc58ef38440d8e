//! What callers are shown of an outcome.

use larder::ErrorKind;
use larder_core::driver::{BatchItem, DriverError};
use larder_remote::wire::{Outcome, Reply};

use crate::request_id;

/// The outcome without what a store says of itself, which may name tables and machines: that goes to the log, under the
/// request's id.
pub(super) fn shown(outcome: Outcome) -> Outcome {
    match outcome {
        Ok(Reply::Records(items)) => Ok(Reply::Records(items.into_iter().map(item).collect())),
        Ok(Reply::AllWritten(items)) => Ok(Reply::AllWritten(items.into_iter().map(item).collect())),
        Ok(reply) => Ok(reply),
        Err(error) => Err(outward(error)),
    }
}

fn item<T>(item: BatchItem<T>) -> BatchItem<T> {
    match item {
        BatchItem::Done(result) => BatchItem::Done(result.map_err(outward)),
        BatchItem::Unprocessed => BatchItem::Unprocessed,
    }
}

fn outward(error: DriverError) -> DriverError {
    let message = match error.kind {
        // They are about the request, or the record that it asked for.
        ErrorKind::InvalidInput | ErrorKind::Corrupt => return error,
        ErrorKind::NotConfigured | ErrorKind::NotProvisioned | ErrorKind::Unauthorized => {
            "the store is not there for the gateway to use; its operator has to see to it"
        }
        ErrorKind::Throttled => "the store asks for fewer requests",
        ErrorKind::Unavailable => "the store cannot be reached from the gateway, or cannot serve now",
        ErrorKind::Timeout => "the store did not answer the gateway in time",
        ErrorKind::Unsupported => {
            "the store cannot do that, or was laid out by a newer Larder than the gateway"
        }
        _ => "the gateway or its store has a defect",
    };
    let (request_id, kind) = (request_id::current(), error.kind.as_str());
    tracing::warn!(request_id, kind, error = error.message, "an attempt failed");
    DriverError { message: message.to_owned(), source: None, ..error }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use larder_core::driver::{Effect, WriteReply};

    use super::*;

    #[test]
    fn what_a_store_says_of_itself_stays_inside_and_what_became_of_it_does_not() {
        let mut error =
            DriverError::unknown(ErrorKind::Unavailable, "table-7 hung up").with_source(std::fmt::Error);
        error.retry_after = Some(Duration::from_secs(1));
        let Err(shown_error) = shown(Err(error.clone())) else { panic!("an error") };
        assert!(!format!("{shown_error:?}").contains("table-7"), "{shown_error:?}");
        assert!(shown_error.source.is_none());
        assert_eq!(
            (shown_error.kind, shown_error.effect, shown_error.retry_after),
            (ErrorKind::Unavailable, Effect::Unknown, error.retry_after)
        );
        let items: Vec<BatchItem<WriteReply>> = vec![BatchItem::Done(Err(error)), BatchItem::Unprocessed];
        let shown = format!("{:?}", shown(Ok(Reply::AllWritten(items))));
        assert!(!shown.contains("table-7") && shown.contains("Unprocessed"), "{shown}");
    }

    #[test]
    fn what_is_wrong_with_the_request_is_told() {
        let error = DriverError::refused(ErrorKind::InvalidInput, "the key is too long");
        let Err(shown) = shown(Err(error)) else { panic!("an error") };
        assert_eq!(shown.message, "the key is too long");
    }
}
