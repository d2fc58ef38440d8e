//! Firestore's errors, as kinds, and what became of their requests (E1, P4).

use std::error::Error as StdError;
use std::time::Duration;

use gcloud_sdk::error::ErrorKind as SdkError;
use gcloud_sdk::google::rpc;
use gcloud_sdk::prost::Message;
use larder_core::ErrorKind;
use larder_core::driver::DriverError;
use tonic::{Code, ConnectError, Status};

use crate::credentials::{down, refused};
use crate::names::Place;

/// The error of an attempt.
///
/// Neither the status nor its message is kept: it quotes documents' names, and so keys (E2).
pub(crate) fn failed(status: &Status, place: &Place) -> DriverError {
    let mut error = match status.source() {
        Some(cause) => unanswered(cause, place),
        None => match http_status(status.message()) {
            Some(http) => strange(http, place),
            None => answer(status.code(), place),
        },
    };
    error.retry_after = retry_after(status);
    error
}

/// What a failed request says of the connection.
pub(crate) enum Connection {
    /// The server answered over it.
    Answered,
    /// It broke, or never was.
    Broken,
    /// It was not used.
    Unused,
}

impl Connection {
    /// What this side of the connection makes up has a cause; what the server sent has none.
    pub(crate) fn of(status: &Status) -> Self {
        match status.source() {
            None => Self::Answered,
            Some(cause) if sdks(cause).is_some() => Self::Unused,
            // One request was ended, over a connection that is well: the others on it have nothing to do with that.
            Some(cause) if is_reset(cause) => Self::Answered,
            Some(_) => Self::Broken,
        }
    }
}

/// The error of a place to which there is no connection.
pub(crate) fn unreachable(place: &Place, why: &str) -> DriverError {
    DriverError::refused(ErrorKind::Unavailable, format!("the {place} cannot be reached: {why}"))
}

/// The error of a request that got no answer.
fn unanswered(cause: &(dyn StdError + 'static), place: &Place) -> DriverError {
    let mut reason = String::new();
    let mut next = Some(cause);
    let mut never_sent = false;
    while let Some(error) = next {
        if let Some(error) = sdks(error) {
            return not_sent(error, place);
        }
        never_sent |= error.is::<ConnectError>();
        reason = error.to_string();
        next = error.source();
    }
    if never_sent {
        return unreachable(place, &reason);
    }
    let message = format!("the connection to the {place} broke: {reason}");
    DriverError::unknown(ErrorKind::Unavailable, message)
}

/// Whether the server ended this request alone, and not the connection.
fn is_reset(cause: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(cause);
    while let Some(error) = next {
        if error.downcast_ref().is_some_and(h2::Error::is_reset) {
            return true;
        }
        next = error.source();
    }
    false
}

/// What went wrong in the SDK, if it did. All of that comes before a request is sent.
fn sdks<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a gcloud_sdk::error::Error> {
    // It puts a box into the box.
    let boxed = error.downcast_ref::<Box<gcloud_sdk::error::Error>>().map(Box::as_ref);
    boxed.or_else(|| error.downcast_ref())
}

/// The error of a request that was not sent, mostly for want of a token.
fn not_sent(error: &gcloud_sdk::error::Error, place: &Place) -> DriverError {
    match error.kind() {
        SdkError::Credentials(error) if error.is_transient() => {
            DriverError::refused(ErrorKind::Unavailable, down(place))
        }
        SdkError::Credentials(_) | SdkError::CredentialsBuild(_) => {
            DriverError::refused(ErrorKind::Unauthorized, refused(place))
        }
        _ => DriverError::refused(ErrorKind::Internal, "the request could not be built"),
    }
}

/// The error of an answer of Firestore's.
pub(crate) fn answer(code: Code, place: &Place) -> DriverError {
    match code {
        Code::NotFound => DriverError::refused(
            ErrorKind::NotProvisioned,
            format!(
                "there is no database {} in project {} ({}); create it, or correct projectId and databaseId",
                place.database, place.project, place.url
            ),
        ),
        Code::FailedPrecondition => DriverError::refused(
            ErrorKind::NotProvisioned,
            format!(
                "database {} of project {} ({}) does not take such requests: it is in Datastore mode; use one in \
                 native mode",
                place.database, place.project, place.url
            ),
        ),
        Code::PermissionDenied | Code::Unauthenticated => DriverError::refused(
            ErrorKind::Unauthorized,
            format!(
                "the {place} refused the credentials ({code:?}); check that they have the role \
                 roles/datastore.user, and that the project has the Firestore API enabled"
            ),
        ),
        Code::ResourceExhausted => {
            DriverError::refused(ErrorKind::Throttled, format!("the {place} asks to slow down ({code:?})"))
        }
        Code::Aborted => DriverError::refused(
            ErrorKind::Throttled,
            format!("too many write to the same document of the {place} ({code:?})"),
        ),
        Code::InvalidArgument | Code::AlreadyExists => {
            DriverError::refused(ErrorKind::Internal, format!("the {place} refused the request ({code:?})"))
        }
        // Also what this side says of an answer that it cannot take: too long, or encoded in a way that it does not know.
        Code::OutOfRange | Code::Unimplemented => {
            DriverError::unknown(ErrorKind::Internal, format!("the {place} refused the request ({code:?})"))
        }
        Code::DeadlineExceeded => {
            DriverError::unknown(ErrorKind::Timeout, format!("the {place} took too long ({code:?})"))
        }
        // Whatever it says, a server that failed may have done the work before.
        Code::Unavailable | Code::Internal | Code::Unknown | Code::Cancelled | Code::DataLoss | Code::Ok => {
            DriverError::unknown(ErrorKind::Unavailable, format!("the {place} failed ({code:?})"))
        }
    }
}

/// The error of an answer that is no gRPC: something between answered, or no Firestore at all.
fn strange(http: u16, place: &Place) -> DriverError {
    match http {
        401 | 403 => DriverError::refused(
            ErrorKind::Unauthorized,
            format!("the {place} refused the credentials with HTTP {http}"),
        ),
        429 => DriverError::refused(ErrorKind::Throttled, format!("the {place} answered with HTTP 429")),
        400..500 => DriverError::refused(
            ErrorKind::NotConfigured,
            format!("what answers at {} is no Firestore: HTTP {http}; is endpointUrl right?", place.url),
        ),
        _ => DriverError::unknown(
            ErrorKind::Unavailable,
            format!("the {place} answered with HTTP {http}, and no gRPC"),
        ),
    }
}

/// The HTTP status of an answer that had no status of gRPC. The client tells it only in its words: without a body, and
/// with one that it took for a message.
fn http_status(message: &str) -> Option<u16> {
    const BARE: &str = "grpc-status header missing, mapped from HTTP status code ";
    const WITH_BODY: &str = "while receiving response with status: ";
    let status = match message.strip_prefix(BARE) {
        Some(status) => status,
        None if message.starts_with("protocol error: ") => message.split_once(WITH_BODY)?.1,
        None => return None,
    };
    status.get(..3)?.parse().ok()
}

/// The longest pause that a server may ask for: more is nobody's wish, and not every number can be added to a time.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// How long the server asks to wait: gRPC's `Retry-After`.
fn retry_after(status: &Status) -> Option<Duration> {
    let details = rpc::Status::decode(status.details()).ok()?.details;
    let info = details.iter().find(|detail| detail.type_url.ends_with("google.rpc.RetryInfo"))?;
    let wish: Duration = rpc::RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?.try_into().ok()?;
    Some(wish.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use gcloud_sdk::google_cloud_auth::errors::CredentialsError;
    use gcloud_sdk::prost_types;
    use larder_core::driver::Effect;

    use super::*;

    fn place() -> Place {
        Place::new("p".into(), "(default)".into(), "c".into(), "https://host".into())
    }

    /// What the client makes of a failure on this side.
    fn local(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> DriverError {
        failed(&Status::from_error(cause.into()), &place())
    }

    #[test]
    fn what_this_side_makes_up_is_in_doubt_unless_nothing_was_sent() {
        let sdks = |is_transient| {
            let error = CredentialsError::from_msg(is_transient, "hunter2");
            Box::new(gcloud_sdk::error::Error::from(error))
        };
        let io = |kind| std::io::Error::new(kind, "by the peer");
        let refused = io(std::io::ErrorKind::ConnectionRefused);
        for (error, kind, effect) in [
            (local(ConnectError(refused.into())), ErrorKind::Unavailable, Effect::NotApplied),
            (local(sdks(true)), ErrorKind::Unavailable, Effect::NotApplied),
            (local(sdks(false)), ErrorKind::Unauthorized, Effect::NotApplied),
            (local(io(std::io::ErrorKind::ConnectionReset)), ErrorKind::Unavailable, Effect::Unknown),
            (local("a stream was reset"), ErrorKind::Unavailable, Effect::Unknown),
        ] {
            assert_eq!((error.kind, error.effect), (kind, effect), "{error:?}");
            assert!(!error.message.contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn only_what_broke_the_connection_costs_it() {
        let of = |cause: Box<dyn StdError + Send + Sync>| Connection::of(&Status::from_error(cause));
        // The crate makes resets only of what a connection read: the tests of the connections have real ones.
        assert!(matches!(of("the connection broke".into()), Connection::Broken));
        let reason = h2::Error::from(h2::Reason::PROTOCOL_ERROR);
        assert!(!reason.is_reset() && matches!(of(reason.into()), Connection::Broken));
        assert!(matches!(Connection::of(&Status::new(Code::Unavailable, "")), Connection::Answered));
    }

    /// The client makes both up for an answer of success, too.
    #[test]
    fn a_code_that_this_side_makes_up_is_in_doubt() {
        for code in [Code::Unimplemented, Code::OutOfRange] {
            let error =
                failed(&Status::new(code, "content is compressed with an unsupported encoding"), &place());
            assert_eq!((error.kind, error.effect), (ErrorKind::Internal, Effect::Unknown), "{error:?}");
        }
        let error = failed(&Status::new(Code::InvalidArgument, ""), &place());
        assert_eq!((error.kind, error.effect), (ErrorKind::Internal, Effect::NotApplied), "{error:?}");
    }

    #[test]
    fn only_a_wish_to_wait_is_taken_from_the_details() {
        let delay = prost_types::Duration { seconds: 1, nanos: 500_000_000 };
        let info = rpc::RetryInfo { retry_delay: Some(delay) };
        let detail = |kind: &str| prost_types::Any {
            type_url: format!("type.googleapis.com/google.rpc.{kind}"),
            value: info.encode_to_vec(),
        };
        for (details, wish) in [
            (vec![], None),
            (vec![detail("DebugInfo")], None),
            (vec![detail("DebugInfo"), detail("RetryInfo")], Some(Duration::from_millis(1_500))),
        ] {
            let details = rpc::Status { code: 8, message: "hunter2".into(), details }.encode_to_vec();
            let status = Status::with_details(Code::ResourceExhausted, "hunter2", details.into());
            assert_eq!(retry_after(&status), wish);
        }
        let status = Status::with_details(Code::Unavailable, "", "no message".into());
        assert_eq!(retry_after(&status), None);
        let delay = prost_types::Duration { seconds: i64::MAX, nanos: 0 };
        let info = rpc::RetryInfo { retry_delay: Some(delay) };
        let detail = prost_types::Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".into(),
            value: info.encode_to_vec(),
        };
        let details = rpc::Status { code: 8, message: String::new(), details: vec![detail] }.encode_to_vec();
        let status = Status::with_details(Code::ResourceExhausted, "", details.into());
        assert_eq!(retry_after(&status), Some(LONGEST_WAIT));
    }
}
