//! DynamoDB's errors, as kinds, and what became of their requests (E1, P4).

use std::error::Error as StdError;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use larder_core::ErrorKind;
use larder_core::driver::DriverError;

use crate::credentials::{Trouble, trouble_of};
use crate::driver::Place;

/// The error of an attempt.
///
/// Neither the SDK's error nor the service's message is kept: they quote items, and parts of signed requests (E2).
pub(crate) fn failed<E>(error: &SdkError<E, HttpResponse>, place: &Place) -> DriverError
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => {
            DriverError::refused(ErrorKind::Internal, "the request could not be built")
        }
        SdkError::TimeoutError(_) => DriverError::unknown(ErrorKind::Timeout, "the attempt took too long"),
        SdkError::DispatchFailure(failure) => {
            let source = failure.as_connector_error().and_then(StdError::source);
            dispatch(failure.as_connector_error().map(|error| error as &dyn StdError).or(source), place)
        }
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            unreadable(status, retry_after(response.raw()), place)
        }
        SdkError::ServiceError(service) => {
            let (error, raw) = (service.err(), service.raw());
            answer(raw.status().as_u16(), error.code(), error.message(), retry_after(raw), place)
        }
        _ => DriverError::unknown(ErrorKind::Internal, "the SDK failed in a way that it did not have before"),
    }
}

/// The error of an answer that was cut short, or is none of DynamoDB's.
fn unreadable(status: u16, retry_after: Option<Duration>, place: &Place) -> DriverError {
    match status {
        401 | 403 | 429 | 500.. => answer(status, None, None, retry_after, place),
        // Only the words of the refusal are missing.
        400..500 => DriverError::refused(
            ErrorKind::Unavailable,
            format!("{place} refused the request, and its answer could not be read"),
        ),
        _ => DriverError::unknown(
            ErrorKind::Unavailable,
            format!("the answer of {place} could not be read: it was cut short, or is none of DynamoDB's"),
        ),
    }
}

/// The error of an answer that is none of success.
fn answer(
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
    retry_after: Option<Duration>,
    place: &Place,
) -> DriverError {
    let code = code.map(|code| code.rsplit('#').next().unwrap_or(code)).filter(|code| !code.is_empty());
    // Whatever it says, a server that failed may have done the work before.
    let mut error = if status >= 500 {
        DriverError::unknown(
            ErrorKind::Unavailable,
            format!("{place} answered with HTTP {status} ({})", code.unwrap_or("no code")),
        )
    } else if (200..300).contains(&status) {
        return unreadable(status, retry_after, place);
    } else {
        code.and_then(|code| by_code(code, message.unwrap_or_default(), place))
            .unwrap_or_else(|| by_status(status, code, place))
    };
    error.retry_after = retry_after;
    error
}

/// The error of an answer whose code says nothing, or is none that is known.
fn by_status(status: u16, code: Option<&str>, place: &Place) -> DriverError {
    match (status, code) {
        (429, _) => DriverError::refused(ErrorKind::Throttled, format!("{place} answered with HTTP 429")),
        (401 | 403, _) => DriverError::refused(
            ErrorKind::Unauthorized,
            format!("{place} refused the credentials with HTTP {status} ({})", code.unwrap_or("no code")),
        ),
        (408, _) => {
            DriverError::refused(ErrorKind::Unavailable, format!("{place} did not get the whole request"))
        }
        (_, Some(code)) => {
            DriverError::refused(ErrorKind::Internal, format!("{place} refused the request ({code})"))
        }
        (_, None) => DriverError::refused(
            ErrorKind::NotConfigured,
            format!("what answers at {place} is no DynamoDB: HTTP {status}; is endpointUrl right?"),
        ),
    }
}

fn by_code(code: &str, message: &str, place: &Place) -> Option<DriverError> {
    Some(match code {
        "ResourceNotFoundException" | "TableNotFoundException" => DriverError::refused(
            ErrorKind::NotProvisioned,
            format!(
                "there is no such table, or it is not active yet: {place}; create it, or correct its name and region"
            ),
        ),
        "ValidationException" if is_about_the_schema(message) => DriverError::refused(
            ErrorKind::NotProvisioned,
            format!(
                "{place} has another primary key than pk and sk, so that it is none of Larder's; use another table"
            ),
        ),
        "ExpiredTokenException" | "ExpiredToken" => DriverError::refused(
            ErrorKind::Unauthorized,
            format!("the session token for {place} has expired ({code}); renew it"),
        ),
        "AccessDeniedException"
        | "AccessDenied"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "InvalidClientTokenId"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "IncompleteSignatureException"
        | "IncompleteSignature"
        | "NotAuthorized"
        | "OptInRequired" => DriverError::refused(
            ErrorKind::Unauthorized,
            format!(
                "{place} refused the credentials ({code}); check the key, its policy, the region and this machine's clock"
            ),
        ),
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "SlowDown" => {
            DriverError::refused(ErrorKind::Throttled, format!("{place} asks to slow down ({code})"))
        }
        "TransactionConflictException"
        | "TransactionInProgressException"
        | "ReplicatedWriteConflictException" => DriverError::refused(
            ErrorKind::Unavailable,
            format!("another program is changing the item of {place} ({code})"),
        ),
        "InternalServerError" | "InternalFailure" | "ServiceUnavailable" | "ServiceUnavailableException" => {
            DriverError::unknown(ErrorKind::Unavailable, format!("{place} failed ({code})"))
        }
        _ => return None,
    })
}

/// Whether the table has another primary key than Larder's.
fn is_about_the_schema(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "key element does not match",
        "missing the key",
        "missed key schema",
        "key schema",
        "number of conditions on the keys",
    ]
    .iter()
    .any(|sign| message.contains(sign))
}

/// The error of a request that got no answer.
fn dispatch(error: Option<&(dyn StdError + 'static)>, place: &Place) -> DriverError {
    let mut reason = String::new();
    let mut never_sent = false;
    let mut next = error;
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<CredentialsError>() {
            return no_credentials(error, place);
        }
        let text = error.to_string();
        never_sent |= is_before_sending(&text)
            || error
                .downcast_ref::<hyper_util::client::legacy::Error>()
                .is_some_and(|error| error.is_connect());
        reason = text;
        next = error.source();
    }
    if never_sent {
        let message = format!("{place} cannot be reached: {reason}");
        return DriverError::refused(ErrorKind::Unavailable, message);
    }
    DriverError::unknown(ErrorKind::Unavailable, format!("the connection to {place} broke: {reason}"))
}

/// The error of a request that was not sent for want of credentials: those there were have run out.
fn no_credentials(error: &CredentialsError, place: &Place) -> DriverError {
    let (kind, reason) = match trouble_of(error) {
        Trouble::Down => (ErrorKind::Unavailable, "who gives them is down"),
        Trouble::Refused => (ErrorKind::Unauthorized, "who gives them refuses: check the role and its token"),
        Trouble::Missing => (ErrorKind::Unauthorized, "there are none any more"),
    };
    DriverError::refused(kind, format!("new credentials for {place} could not be had: {reason}"))
}

/// Failures that come before a request is sent, by the words of crates whose types are not public.
fn is_before_sending(text: &str) -> bool {
    ["HTTP connect timeout", "dns error", "tcp connect error", "failed to resolve"]
        .iter()
        .any(|sign| text.contains(sign))
}

/// The longest pause that a service may ask for: more is nobody's wish, and not every number can be added to a time.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let seconds: u64 = response.headers().get("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}
