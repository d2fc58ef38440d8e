//! Azure's errors, as kinds, and what became of their requests (E1, P4).

use std::fmt;
use std::time::Duration;

use larder_core::driver::DriverError;
use larder_core::{ErrorKind, Timestamp};

use crate::driver::Place;
use crate::token::TokenFailure;

/// A request that did not end well, before it is known what it was for.
///
/// It holds no word of the service's and no part of the request: both quote rows, keys and signatures (E2).
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not be built; nothing was sent.
    Unfit(&'static str),
    /// There was no connection; nothing was sent.
    Unreachable(String),
    /// There was no token to sign it with; nothing was sent.
    Unsigned(TokenFailure),
    /// The connection broke after it was sent, or while it was.
    Broken(String),
    /// The answer says that it worked, and cannot be what this service says then.
    Unreadable,
    /// The answer is longer than is kept in memory.
    TooLong,
    /// The answer says that it did not work.
    Refused(Refusal),
}

/// An answer of no success.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// OData's code.
    pub(crate) code: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    /// The time by the service's clock.
    pub(crate) date: Option<Timestamp>,
    /// Whether it was signed with a token that another one can take the place of.
    pub(crate) token_can_be_renewed: bool,
}

impl Refusal {
    pub(crate) fn is(&self, status: u16, codes: &[&str]) -> bool {
        self.status == status && self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }

    /// The table is there and the row is not.
    pub(crate) fn is_missing_row(&self) -> bool {
        self.is(404, &["ResourceNotFound", "EntityNotFound"])
    }

    /// The row is there already.
    pub(crate) fn is_taken(&self) -> bool {
        self.is(409, &["EntityAlreadyExists"])
    }

    /// The row has another ETag.
    pub(crate) fn is_changed(&self) -> bool {
        self.is(412, &["UpdateConditionNotSatisfied", "ConditionNotMet"])
    }
}

impl Failure {
    /// The transport's own failure, or the SDK's complaint about an answer.
    pub(crate) fn of(error: azure_core_legacy::Error) -> Self {
        // The SDK asks for nothing before a request that could fail: what is not ours is about the answer.
        error.into_downcast().unwrap_or(Self::Unreadable)
    }

    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfit(reason) => write!(f, "the request could not be built: {reason}"),
            Self::Unreachable(reason) => write!(f, "no connection: {reason}"),
            Self::Unsigned(_) => f.write_str("no token"),
            Self::Broken(reason) => write!(f, "the connection broke: {reason}"),
            Self::Unreadable => f.write_str("the answer could not be read"),
            Self::TooLong => f.write_str("the answer is too long"),
            Self::Refused(refusal) => write!(f, "HTTP {}", refusal.status),
        }
    }
}

impl std::error::Error for Failure {}

/// The error of an attempt that ended in this failure.
pub(crate) fn failed(failure: Failure, place: &Place) -> DriverError {
    match failure {
        Failure::Unfit(reason) => {
            DriverError::refused(ErrorKind::Internal, format!("the request could not be built: {reason}"))
        }
        Failure::Unreachable(reason) => {
            let hint = match place.endpoint {
                None => "; an account that does not exist has no such host: is its name right?",
                Some(_) => "",
            };
            DriverError::refused(ErrorKind::Unavailable, format!("{place} cannot be reached: {reason}{hint}"))
        }
        Failure::Unsigned(failure) => {
            DriverError::refused(failure.kind(), format!("no token for {place}: {failure}"))
        }
        Failure::Broken(reason) => {
            DriverError::unknown(ErrorKind::Unavailable, format!("the connection to {place} broke: {reason}"))
        }
        Failure::Unreadable => DriverError::unknown(
            ErrorKind::Unavailable,
            format!("the answer of {place} could not be read: it was cut short, or is none of Azure's"),
        ),
        Failure::TooLong => DriverError::unknown(
            ErrorKind::Internal,
            format!(
                "the answer of {place} is longer than any of a table's: is a row larger than any of Larder's?"
            ),
        ),
        Failure::Refused(refusal) => refused(&refusal, place),
    }
}

fn refused(refusal: &Refusal, place: &Place) -> DriverError {
    let status = refusal.status;
    let code = refusal.code.as_deref();
    let shown = match code {
        Some(code) => format!("HTTP {status} ({code})"),
        None => format!("HTTP {status}"),
    };
    let mut error = match (status, code) {
        (429, _) | (503, Some("ServerBusy")) => {
            DriverError::refused(ErrorKind::Throttled, format!("{place} asks to slow down: {shown}"))
        }
        // Whatever it says, a server that failed may have done the work before.
        (500.., _) => DriverError::unknown(ErrorKind::Unavailable, format!("{place} answered with {shown}")),
        (401, _) => DriverError::refused(
            ErrorKind::Unauthorized,
            format!("{place} refused the token: {shown}; it has expired, or is for another directory"),
        ),
        (403, _) => DriverError::refused(ErrorKind::Unauthorized, forbidden(code, &shown, place)),
        (404, Some("TableNotFound")) => DriverError::refused(
            ErrorKind::NotProvisioned,
            format!("there is no such table: {place}; create it, or correct its name and account"),
        ),
        (404, _) => DriverError::refused(
            ErrorKind::NotProvisioned,
            format!("{place} is not there: {shown}; is what answers a Table service, and the URL right?"),
        ),
        (409, Some("TableBeingDeleted")) => DriverError::refused(
            ErrorKind::NotProvisioned,
            format!("{place} is being deleted; wait until it is gone and create it, or use another table"),
        ),
        (300..=399, _) => DriverError::refused(
            ErrorKind::NotConfigured,
            format!("what answers at {place} is no Table service: {shown}; is endpointUrl right?"),
        ),
        _ => DriverError::refused(ErrorKind::Internal, format!("{place} refused the request: {shown}")),
    };
    error.retry_after = refusal.retry_after;
    // A token that had been good until now: the next attempt has a new one.
    error.retryable |= status == 401 && refusal.token_can_be_renewed;
    error
}

/// What a refusal of the credentials asks for.
fn forbidden(code: Option<&str>, shown: &str, place: &Place) -> String {
    let advice = match code {
        Some("AuthorizationPermissionMismatch") => {
            "the identity needs the role Storage Table Data Contributor on the table or the account, or the shared access \
             signature more permissions"
        }
        Some("InsufficientAccountPermissions" | "AuthorizationFailure") => {
            "check the account's name and key, what the shared access signature permits, and the account's firewall"
        }
        Some("AccountIsDisabled") => "the account is disabled: enable it, or pay for it",
        Some("AuthorizationResourceTypeMismatch" | "AuthorizationServiceMismatch") => {
            "the shared access signature is not for rows of tables: make one for the service Table, with containers and objects"
        }
        Some("KeyBasedAuthenticationNotPermitted") => {
            "the account does not take keys: use an identity of Entra ID"
        }
        _ => "check the key or signature, when it expires, and this machine's clock",
    };
    format!("{place} refused the credentials: {shown}; {advice}")
}

#[cfg(test)]
mod tests {
    use larder_core::driver::Effect;

    use super::*;

    fn place() -> Place {
        Place { account: "acme".into(), table: "cache".into(), endpoint: None }
    }

    #[test]
    fn every_refusal_has_its_kind_and_its_effect() {
        let (none, unknown) = (Effect::NotApplied, Effect::Unknown);
        for (status, code, kind, effect) in [
            (400, Some("InvalidInput"), ErrorKind::Internal, none),
            (401, Some("InvalidAuthenticationInfo"), ErrorKind::Unauthorized, none),
            (403, Some("AuthenticationFailed"), ErrorKind::Unauthorized, none),
            (403, Some("AuthorizationFailure"), ErrorKind::Unauthorized, none),
            (403, None, ErrorKind::Unauthorized, none),
            (404, Some("TableNotFound"), ErrorKind::NotProvisioned, none),
            (404, None, ErrorKind::NotProvisioned, none),
            (409, Some("TableBeingDeleted"), ErrorKind::NotProvisioned, none),
            (429, None, ErrorKind::Throttled, none),
            (503, Some("ServerBusy"), ErrorKind::Throttled, none),
            (503, None, ErrorKind::Unavailable, unknown),
            (500, Some("InternalError"), ErrorKind::Unavailable, unknown),
            (500, Some("OperationTimedOut"), ErrorKind::Unavailable, unknown),
            (302, None, ErrorKind::NotConfigured, none),
        ] {
            let code = code.map(str::to_owned);
            let refusal = Refusal { status, code, ..Refusal::default() };
            let error = failed(Failure::Refused(refusal), &place());
            assert_eq!((error.kind, error.effect), (kind, effect), "{status}: {error:?}");
        }
    }

    #[test]
    fn only_what_was_never_sent_is_certain() {
        let certain = [Failure::Unreachable("refused".into()), Failure::Unfit("too long")];
        for failure in certain {
            assert_eq!(failed(failure, &place()).effect, Effect::NotApplied);
        }
        for failure in [Failure::Broken("reset".into()), Failure::Unreadable] {
            assert_eq!(failed(failure, &place()).effect, Effect::Unknown);
        }
    }

    #[test]
    fn a_missing_row_is_no_missing_table() {
        let row = Refusal { status: 404, code: Some("ResourceNotFound".into()), ..Refusal::default() };
        let table = Refusal { status: 404, code: Some("TableNotFound".into()), ..Refusal::default() };
        let nothing = Refusal { status: 404, ..Refusal::default() };
        assert!(row.is_missing_row() && !table.is_missing_row() && !nothing.is_missing_row());
    }
}
