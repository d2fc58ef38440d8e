//! What a request for data passes before its route.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;
use futures_util::FutureExt;
use tower::Service;

use crate::gateway::Gateway;
use crate::guard::authenticate;
use crate::observe;

/// The most bytes of a request's body, but for batches: 64 KiB. A value has at most 24 KiB, and the rest is JSON around it.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

/// All that stands around a route for data. One service, and none of those that axum makes of functions: each of them boxes
/// the request's way anew, which reads of memory would feel.
///
/// axum clones it for each request, and a route's clone takes memory: shared, the route is cloned for the call alone.
#[derive(Clone)]
pub(crate) struct Entrance<S> {
    gateway: Gateway,
    route: Arc<S>,
}

impl<S> Entrance<S> {
    pub(crate) fn new(gateway: Gateway, route: S) -> Self {
        Self { gateway, route: Arc::new(route) }
    }
}

impl<S> Service<Request> for Entrance<S>
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // As axum's routes always are, which it stands around.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin(through(self.gateway.clone(), S::clone(&self.route), request))
    }
}

async fn through<S>(gateway: Gateway, mut route: S, request: Request) -> Result<Response, Infallible>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let answer = |request| route.call(request).map(|Ok(response)| response);
    Ok(observe::observed(&gateway, request, |request| limited(&gateway, request, answer)).await)
}

fn limited<A: Future<Output = Response>>(
    gateway: &Gateway,
    mut request: Request,
    answer: impl FnOnce(Request) -> A,
) -> impl Future<Output = Response> {
    if !request.body().is_end_stream() {
        // Routes that take more say so themselves, further in.
        DefaultBodyLimit::max(MAX_BODY_BYTES).apply(&mut request);
    }
    authenticate(gateway, request, answer).map(|mut response| {
        // Nobody keeps an answer that does not say for itself how it may be kept: the next one may be another.
        response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    })
}

#[cfg(test)]
mod tests {
    use axum::routing::Route;

    use super::*;

    /// How many bytes the future of a function takes.
    fn bytes<A, B, C, F>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// It is moved for every request: twice as much was a fiftieth of the time that one takes.
    #[test]
    fn what_stands_around_a_request_is_small() {
        let bytes = bytes(through::<Route>);
        assert!(bytes <= 2_304, "{bytes}");
    }
}
