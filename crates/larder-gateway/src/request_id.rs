//! The id of a request: in its answer, in errors, in logs.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use rand::RngExt;

/// The header, of requests and of answers.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over from a caller.
const MAX_CHARS: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this task is answering; empty outside of one.
pub(crate) fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Does something for the request with this id outside of the task that answers it.
pub(crate) fn with<T>(id: &str, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(id.to_owned(), work)
}

/// Gives a request its id: the caller's, if it is short and plain, since it goes into logs; otherwise a new one.
pub(crate) async fn identify(request: Request, next: Next) -> Response {
    let given = request.headers().get(&HEADER).and_then(|id| id.to_str().ok()).filter(|id| is_plain(id));
    let id = given.map_or_else(|| format!("{:032x}", rand::rng().random::<u128>()), str::to_owned);
    let header = HeaderValue::from_str(&id);
    let mut response = CURRENT.scope(id, next.run(request)).await;
    if let Ok(header) = header {
        response.headers_mut().insert(HEADER, header);
    }
    response
}

fn is_plain(id: &str) -> bool {
    (1..=MAX_CHARS).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_and_plain_ids_are_taken_over() {
        assert!(is_plain("0197-a_b.C"));
        for id in ["", "a b", "a\"b", "ä", &"a".repeat(129)] {
            assert!(!is_plain(id), "{id}");
        }
    }
}
