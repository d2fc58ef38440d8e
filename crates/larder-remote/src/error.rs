//! What goes wrong on the way to the gateway and there, as kinds, and what became of the attempts (E1, P4).

use std::time::Duration;

use larder_core::ErrorKind;
use larder_core::driver::DriverError;
use serde::Deserialize;

use crate::wire::Malformed;

/// A request that brought no outcome of an attempt.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not be built; nothing was sent.
    Unfit(&'static str),
    /// There was no connection; nothing was sent.
    Unreachable(String),
    /// The connection broke after it was sent, or while it was.
    Broken(String),
    /// The reply is one of a gateway's, and cannot be read.
    Unreadable(Malformed),
    /// The reply says that it worked, and is none of a gateway's.
    Foreign,
    /// The reply has another status.
    Refused(Problem),
}

/// A reply of another status than that of outcomes.
#[derive(Debug)]
pub(crate) struct Problem {
    status: u16,
    retry_after: Option<Duration>,
    /// What the gateway says is wrong; `None` when it was not the gateway that spoke.
    words: Option<String>,
}

/// The longest part of a message that is shown.
const SHOWN: usize = 300;

impl Problem {
    /// Reads a reply's body: the gateway's problems have its form, and a proxy's pages have not.
    pub(crate) fn read(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            error: String,
            message: String,
            status_code: u16,
            #[serde(rename = "requestId")]
            _request_id: String,
        }
        let body: Option<Body> = serde_json::from_slice(body).ok();
        let words = body.filter(|body| body.status_code == status).map(|body| {
            let plain = |text: &str| -> String {
                text.chars().filter(|char| !char.is_control()).take(SHOWN).collect()
            };
            format!("{} ({})", plain(&body.message), plain(&body.error))
        });
        Self { status, retry_after, words }
    }
}

/// The error of an attempt that ended in this failure.
pub(crate) fn failed(failure: Failure, store: &str) -> DriverError {
    match failure {
        Failure::Unfit(reason) => {
            DriverError::refused(ErrorKind::Internal, format!("the request could not be built: {reason}"))
        }
        Failure::Unreachable(reason) => {
            DriverError::refused(ErrorKind::Unavailable, format!("{store} cannot be reached: {reason}"))
        }
        Failure::Broken(reason) => {
            DriverError::unknown(ErrorKind::Unavailable, format!("the connection to {store} broke: {reason}"))
        }
        Failure::Unreadable(malformed) => DriverError::unknown(
            ErrorKind::Unavailable,
            format!("the reply of {store} could not be read: {malformed}"),
        ),
        Failure::Foreign => DriverError::unknown(
            ErrorKind::Unavailable,
            format!("the reply of {store} is none of a Larder gateway's: does something else answer there?"),
        ),
        Failure::Refused(problem) => {
            let retry_after = problem.retry_after;
            let mut error = match &problem.words {
                Some(words) => refused(problem.status, words, store),
                None => intercepted(problem.status, store),
            };
            error.retry_after = retry_after;
            error
        }
    }
}

/// The gateway itself refused. It does so before it begins an attempt, unless it failed in the middle.
fn refused(status: u16, words: &str, store: &str) -> DriverError {
    let says = format!("{store} says: {words}");
    match status {
        401 | 403 => DriverError::refused(ErrorKind::Unauthorized, says),
        // Where the store behind is not there for the gateway, it says so before it begins.
        404 | 502 => DriverError::refused(ErrorKind::NotProvisioned, says),
        429 => DriverError::refused(ErrorKind::Throttled, says),
        503 => DriverError::refused(ErrorKind::Unavailable, says),
        501 => DriverError::refused(ErrorKind::Unsupported, says),
        408 | 500.. => DriverError::unknown(ErrorKind::Unavailable, says),
        _ => DriverError::refused(ErrorKind::Unsupported, says),
    }
}

/// Something between refused, or something else answers there. Whether it passed the attempt on before, it does not say.
fn intercepted(status: u16, store: &str) -> DriverError {
    let what = format!("not {store} itself answered with HTTP {status}, but something before it");
    match status {
        429 => DriverError::unknown(ErrorKind::Throttled, what),
        401 | 403 | 407 => {
            DriverError::unknown(ErrorKind::Unauthorized, format!("{what}: does a proxy let nobody through?"))
        }
        404 => DriverError::unknown(ErrorKind::NotProvisioned, format!("{what}: is the URL right?")),
        300..=399 => DriverError::unknown(ErrorKind::NotConfigured, format!("{what}: is the URL right?")),
        504 => DriverError::unknown(ErrorKind::Timeout, what),
        408 | 500.. => DriverError::unknown(ErrorKind::Unavailable, what),
        _ => DriverError::unknown(ErrorKind::Internal, what),
    }
}

#[cfg(test)]
mod tests {
    use larder_core::driver::Effect;

    use super::*;

    const NONE: Effect = Effect::NotApplied;
    const UNKNOWN: Effect = Effect::Unknown;

    fn problem(status: u16) -> String {
        format!(
            r#"{{"error":"CODE","message":"why","statusCode":{status},"validationErrors":[],"requestId":"1"}}"#
        )
    }

    fn of(status: u16, body: &str) -> DriverError {
        let problem = Problem::read(status, Some(Duration::from_secs(1)), body.as_bytes());
        failed(Failure::Refused(problem), "the store")
    }

    #[test]
    fn what_the_gateway_refuses_was_not_applied() {
        for (status, kind, effect) in [
            (400, ErrorKind::Unsupported, NONE),
            (401, ErrorKind::Unauthorized, NONE),
            (403, ErrorKind::Unauthorized, NONE),
            (404, ErrorKind::NotProvisioned, NONE),
            (408, ErrorKind::Unavailable, UNKNOWN),
            (413, ErrorKind::Unsupported, NONE),
            (415, ErrorKind::Unsupported, NONE),
            (429, ErrorKind::Throttled, NONE),
            (500, ErrorKind::Unavailable, UNKNOWN),
            (501, ErrorKind::Unsupported, NONE),
            (502, ErrorKind::NotProvisioned, NONE),
            (503, ErrorKind::Unavailable, NONE),
            (504, ErrorKind::Unavailable, UNKNOWN),
        ] {
            let error = of(status, &problem(status));
            assert_eq!((error.kind, error.effect), (kind, effect), "{status}: {error:?}");
            assert!(error.message.contains("why (CODE)"), "{error:?}");
            assert_eq!(error.retry_after, Some(Duration::from_secs(1)));
        }
    }

    #[test]
    fn what_something_between_answers_leaves_open_what_became_of_it() {
        for (status, kind) in [
            (302, ErrorKind::NotConfigured),
            (403, ErrorKind::Unauthorized),
            (404, ErrorKind::NotProvisioned),
            (429, ErrorKind::Throttled),
            (500, ErrorKind::Unavailable),
            (502, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
            (504, ErrorKind::Timeout),
        ] {
            for body in ["", "<html>hunter2</html>", r#"{"error":"hunter2"}"#, &problem(418)] {
                let error = of(status, body);
                assert_eq!((error.kind, error.effect), (kind, UNKNOWN), "{status} {body}: {error:?}");
                assert!(!error.message.contains("hunter2"), "{error:?}");
            }
        }
    }

    #[test]
    fn only_what_was_never_sent_is_certain() {
        for failure in [Failure::Unreachable("refused".into()), Failure::Unfit("too long")] {
            assert_eq!(failed(failure, "the store").effect, NONE);
        }
        for failure in
            [Failure::Broken("reset".into()), Failure::Foreign, Failure::Unreadable(Malformed("cut short"))]
        {
            assert_eq!(failed(failure, "the store").effect, UNKNOWN);
        }
    }

    #[test]
    fn what_the_gateway_says_is_shown_in_part() {
        let long = problem(400).replace("why", &"x\\n".repeat(10_000));
        assert!(of(400, &long).message.len() < 400);
    }
}
