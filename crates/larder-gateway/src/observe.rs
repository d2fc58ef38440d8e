//! What every request passes: its time limit, its metrics, its line in the log.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use crate::caller::Identity;
use crate::gateway::Gateway;
use crate::kv::GET_MANY;
use crate::problem::{Code, Problem};
use crate::{request_id, trace, unread};

/// Gives a request its id, has it answered in time or with an error, and reports it.
pub(crate) async fn observe(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    observed(&gateway, request, |request| next.run(request)).await
}

/// The same for a request that is answered by this.
pub(crate) fn observed<A: Future<Output = Response>>(
    gateway: &Gateway,
    request: Request,
    answer: impl FnOnce(Request) -> A,
) -> impl Future<Output = Response> {
    request_id::identified(request, |request| reported(gateway, request, answer))
}

/// Neither log nor metrics nor traces have the path as it came: keys are in it.
async fn reported<A: Future<Output = Response>>(
    gateway: &Gateway,
    request: Request,
    answer: impl FnOnce(Request) -> A,
) -> Response {
    let started = Instant::now();
    let method = method(request.method());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("", MatchedPath::as_str);
    let only_reads = request.method().is_safe() || route == GET_MANY;
    let span = trace::span(method, route, request.headers());
    let (request, unread) = unread::watched(request);
    let mut response = {
        // Dropped before what it leaves unread is looked for.
        let answer = pin!(AssertUnwindSafe(answer(request)).catch_unwind().instrument(span.clone()));
        match within(gateway.request_timeout(), answer).await {
            Some(Ok(response)) => response,
            Some(Err(_)) => Problem::of_panic().into_response(),
            None => too_slow(only_reads).into_response(),
        }
    };
    let took = started.elapsed();
    let status = response.status().as_u16();
    trace::answered(&span, response.status());
    gateway.durations().record(method, route, status, took);
    gateway.traffic().record(route, started + took, took, response.status());
    tracing::debug!(
        target: "larder",
        request_id = request_id::current(),
        method,
        route,
        status,
        took_micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        caller = response.extensions().get::<Identity>().map(tracing::field::debug),
        "answered"
    );
    if let Some(rest) = unread.and_then(|unread| unread.rest(&mut response)) {
        Box::pin(rest.read(&mut response)).await;
    }
    response
}

/// Waits for an answer for so long. One that is ready at once, as most from memory are, needs no timer.
async fn within<T>(time: Duration, mut answer: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => Box::pin(timeout(time, answer)).await.ok(),
    }
}

/// What was asked for may still go on in the store.
fn too_slow(only_reads: bool) -> Problem {
    if only_reads {
        return Problem::new(Code::Timeout, "the answer was not ready in time; try again");
    }
    Problem::new(
        Code::Ambiguous,
        "the request was not done in time, and may have been applied, in whole or in part; read before you write again",
    )
}

/// A method that anybody knows, since each name makes metrics of its own.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
