//! Bodies that nobody read to their end, because the request was refused before.
//!
//! A server that closes a connection with bytes unread takes its answer back: the caller may see a broken connection
//! instead of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::Version;
use axum::http::header::EXPECT;
use axum::response::Response;
use futures_util::StreamExt;
use http_body::{Frame, SizeHint};
use tokio::time::timeout;

/// The most that is read for nothing: as much as the largest body that a route takes.
const MOST_BYTES: usize = crate::kv::MAX_BATCH_BYTES;
/// How long the caller may take to send it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Reads what is left of a request's body before it is answered.
pub(crate) async fn read_rest(request: Request, answer: impl AsyncFnOnce(Request) -> Response) -> Response {
    // Who asks first does not send what is refused, and HTTP/2 can end one stream of many.
    let waits = request.headers().contains_key(EXPECT) || request.version() == Version::HTTP_2;
    if waits {
        return answer(request).await;
    }
    let left = Left::default();
    let request = request.map(|body| Body::new(Lent { body: Some(body), left: left.clone() }));
    let response = answer(request).await;
    if let Some(rest) = left.take() {
        // Who sends more, or slowly, has to live with a broken connection.
        let _ = timeout(PATIENCE, drop_up_to(rest, MOST_BYTES)).await;
    }
    response
}

async fn drop_up_to(body: Body, most: usize) {
    let mut chunks = body.into_data_stream();
    let mut left = most;
    while let Some(Ok(chunk)) = chunks.next().await {
        match left.checked_sub(chunk.len()) {
            Some(less) => left = less,
            None => return,
        }
    }
}

/// What was given back of a body.
#[derive(Clone, Default)]
struct Left(Arc<Mutex<Option<Body>>>);

impl Left {
    fn take(&self) -> Option<Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body that is given back if it is dropped before its end.
struct Lent {
    body: Option<Body>,
    left: Left,
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let unread = self.body.take().filter(|body| !body.is_end_stream());
        *self.left.0.lock().unwrap_or_else(PoisonError::into_inner) = unread;
    }
}
