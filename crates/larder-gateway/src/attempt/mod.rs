//! The attempts of remote drivers, at `/v1/attempt/{binding}/{method}`.
//!
//! One request is one attempt on the driver behind a store: what to do after a lost reply or a failure is decided by the
//! handle that sent it. Its form is [`larder_remote::wire`].

mod needs;
mod outcome;
mod perform;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use larder::ErrorKind;
use larder_core::driver::{self, DriverError};
use larder_core::{SKEW_BOUND, Timestamp};
use larder_remote::wire::{self, Attempt, Method, encode_outcome};
use tokio::time::{Instant, timeout_at};

use self::needs::needs;
use self::outcome::shown;
use self::perform::perform;
use crate::caller::Caller;
use crate::extract::RawBody;
use crate::gateway::Gateway;
use crate::problem::{Code, Problem};

/// The longest that an attempt may take, whatever its sender would wait.
const LONGEST: Duration = Duration::from_secs(60);

/// The routes: one for each method of a driver.
pub(crate) fn routes() -> Router<Gateway> {
    let routes = Method::ALL.into_iter().fold(Router::new(), |routes, method| {
        let path = format!("/v1/attempt/{{binding}}/{}", method.as_str());
        let answer = post(async move |state, caller, path, headers, body| {
            attempt(method, state, caller, path, headers, body).await
        });
        routes.route(&path, answer)
    });
    routes.layer(DefaultBodyLimit::max(wire::MAX_REQUEST_BYTES))
}

/// Every problem that is answered here was there before the attempt was begun, so that it changed nothing. What came of an
/// attempt is an outcome, with status 200.
async fn attempt(
    method: Method,
    State(gateway): State<Gateway>,
    caller: Caller,
    Path(binding): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != wire::CONTENT_TYPE.as_bytes()) {
        let reason = format!("an attempt has the type {}; it is sent by larder-remote", wire::CONTENT_TYPE);
        return Err(Problem::new(Code::UnsupportedMediaType, reason));
    }
    let Attempt { sent_at, time_left, call } =
        Attempt::decode(method, body).map_err(|malformed| Problem::invalid("body", malformed.to_string()))?;
    let store = caller.open_driver(&gateway, &binding, needs(&call)).await?;
    let now = store.now();
    let outcome = if method.writes() && !is_timely(sent_at, time_left, now) {
        Err(untimely())
    } else {
        // The store may be behind another gateway, which is told, too.
        let until = Instant::now() + time_left.min(LONGEST);
        let performed = timeout_at(until, driver::until(until, perform(&store, call, now)));
        let late = |_| Err(DriverError::unknown(ErrorKind::Timeout, "the attempt took too long"));
        shown(performed.await.unwrap_or_else(late))
    };
    let time = store.now().as_millis().to_string();
    let headers = [(CONTENT_TYPE.as_str(), wire::CONTENT_TYPE), (wire::TIME_HEADER, &time)];
    Ok((headers, Body::from(encode_outcome(&outcome))).into_response())
}

/// Whether a write comes when its sender can still be waiting for it, by a clock that is as the gateway's.
///
/// A write that was held back on the way for longer lands never: what its sender decided since then stays right. And one by
/// a clock that is off would have its TTL counted from a wrong moment.
fn is_timely(sent_at: Timestamp, time_left: Duration, now: Timestamp) -> bool {
    now.since(sent_at) <= time_left.min(LONGEST) + SKEW_BOUND && sent_at.since(now) <= SKEW_BOUND
}

/// The sender learns the time from the reply, and knows by it whether it was its own clock.
fn untimely() -> DriverError {
    let reason = "the attempt was sent at another time than it came, by the gateway's clock: it was held back, or a clock \
                  was set; try again";
    DriverError::refused(ErrorKind::Unavailable, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_nobody_waits_for_is_not_begun() {
        let (sent, left) = (Timestamp::from_millis(1_000_000), Duration::from_secs(1));
        for (now, timely) in [
            (1_000_000, true),
            (1_003_000, true),
            (1_003_001, false),
            (90_000_000, false),
            (998_000, true),
            (997_999, false),
            (0, false),
        ] {
            assert_eq!(is_timely(sent, left, Timestamp::from_millis(now)), timely, "{now}");
        }
        assert!(!is_timely(sent, Duration::from_secs(86_400), Timestamp::from_millis(1_062_001)));
    }
}
