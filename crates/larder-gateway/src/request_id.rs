//! The id of a request: in its answer, in errors, in logs.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;

/// The header, of requests and of answers.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a caller.
const MAX_CHARS: usize = 128;
/// How many hexadecimal digits a new id has.
const DIGITS: usize = 32;

/// The id of a request.
#[derive(Clone)]
pub(crate) enum RequestId {
    /// The caller's own.
    Given(HeaderValue),
    /// The digits of a new one, of which a header is made once.
    New([u8; DIGITS]),
}

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The id of the request that this task is answering; empty outside of one.
pub(crate) fn current() -> String {
    CURRENT.try_with(|id| id.as_str().to_owned()).unwrap_or_default()
}

/// The same, for a task that goes on with the request later: see [`with`].
pub(crate) fn current_id() -> RequestId {
    CURRENT.try_with(Clone::clone).unwrap_or_else(|_| RequestId::Given(HeaderValue::from_static("")))
}

/// Does something for the request with this id outside of the task that answers it.
pub(crate) fn with<T>(id: &RequestId, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(id.clone(), work)
}

/// Gives a request its id, and the answer, too.
pub(crate) async fn identify(request: Request, next: Next) -> Response {
    identified(request, |request| next.run(request)).await
}

/// Answers a request that has its id: the caller's, if it is short and plain, since it goes into logs; otherwise a new one.
///
/// A future is made of the answer's own, and not an `async fn` around it: each would carry the request once more. So the
/// answer must not ask for the id before it is polled.
pub(crate) fn identified<A: Future<Output = Response>>(
    request: Request,
    answer: impl FnOnce(Request) -> A,
) -> impl Future<Output = Response> {
    let given = request.headers().get(&HEADER).filter(|id| is_plain(id.as_bytes()));
    let id = given.cloned().map_or_else(RequestId::random, RequestId::Given);
    CURRENT.scope(id.clone(), answer(request)).map(|mut response| {
        if let Some(id) = id.into_header() {
            response.headers_mut().insert(HEADER, id);
        }
        response
    })
}

impl RequestId {
    fn random() -> Self {
        let mut digits = [b'0'; DIGITS];
        // As an array it would be drawn byte by byte. It fits: two digits are a byte.
        let _ = hex::encode_to_slice(rand::random::<u128>().to_ne_bytes(), &mut digits);
        Self::New(digits)
    }

    fn as_str(&self) -> &str {
        let bytes = match self {
            Self::Given(id) => id.as_bytes(),
            Self::New(digits) => digits,
        };
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn into_header(self) -> Option<HeaderValue> {
        match self {
            Self::Given(id) => Some(id),
            // All digits may stand in a header.
            Self::New(digits) => HeaderValue::from_bytes(&digits).ok(),
        }
    }
}

fn is_plain(id: &[u8]) -> bool {
    (1..=MAX_CHARS).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_and_plain_ids_are_taken_over() {
        assert!(is_plain(b"0197-a_b.C"));
        for id in ["", "a b", "a\"b", "ä", &"a".repeat(129)] {
            assert!(!is_plain(id.as_bytes()), "{id}");
        }
    }
}
