//! What a script is told of a failure.

use larder_core::{Error, ErrorKind};

use crate::wire::Refusal;

/// The code is the kind of the error, in capitals. What the script did wrong is told as it is; what the store says of
/// itself may name tables and machines, and goes to the log.
pub(super) fn refusal(error: &Error) -> Refusal {
    let message = match error.kind() {
        ErrorKind::InvalidInput => error.message(),
        kind => {
            // Without the key, of which the error shows the beginning.
            tracing::warn!(target: "larder", kind = kind.as_str(), error = error.message(), "a script's call failed");
            outward(kind)
        }
    };
    Refusal::new(error.kind().as_str().to_ascii_uppercase(), message)
}

fn outward(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotConfigured | ErrorKind::NotProvisioned | ErrorKind::Unauthorized => {
            "the store is not there to be used; its operator has to see to it"
        }
        ErrorKind::Throttled => "the store asks for fewer requests; try again later",
        ErrorKind::Unavailable => "the store cannot be reached now; try again later",
        ErrorKind::Timeout => "the store did not answer in time, and nothing was applied",
        ErrorKind::Ambiguous => {
            "the write may have been applied, or may still be; read the key before you write again"
        }
        ErrorKind::Corrupt => {
            "the stored record cannot be decoded; a put or a delete without a condition mends it"
        }
        ErrorKind::Unsupported => "the store cannot do that",
        _ => "Larder or its store has a defect",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_says_of_itself_stays_inside() {
        let told = refusal(&Error::new(ErrorKind::Unauthorized, "the role of table-7 may not read"));
        assert_eq!(told.code, "UNAUTHORIZED");
        assert!(!told.message.contains("table-7"), "{}", told.message);
        let told = refusal(&Error::new(ErrorKind::InvalidInput, "the key is empty"));
        assert_eq!((told.code.as_str(), told.message.as_str()), ("INVALID_INPUT", "the key is empty"));
    }
}
