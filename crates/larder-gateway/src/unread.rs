//! Bodies that nobody read to their end, because the request was refused before.
//!
//! A server that closes a connection with bytes unread takes its answer back: the caller may see a broken connection
//! instead of it. A body that its sender keeps back until it is asked for is not read for nothing: the answer says that it
//! is the last one of its connection, which is then read on behind it (`serve::lingering`).

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header::{CONNECTION, EXPECT};
use axum::http::{HeaderValue, Version};
use axum::response::Response;
use futures_util::StreamExt;
use http_body::{Frame, SizeHint};
use tokio::time::timeout;

use crate::kv::MAX_BATCH_BYTES;

/// The most that is read for nothing: as much as the largest body that a route takes.
pub(crate) const MOST_BYTES: usize = MAX_BATCH_BYTES;
/// How long the caller may take to send it.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a request's body leaves unread, once the request is answered.
#[derive(Clone)]
pub(crate) struct Unread(Arc<Mutex<Left>>);

#[derive(Default)]
enum Left {
    #[default]
    Nothing,
    /// All of it: its sender was not told to send it.
    Unsent,
    /// What its sender sends.
    Sent(Body),
}

/// Watches over the body of a request. HTTP/2 needs nobody: it can end one stream of many.
pub(crate) fn watched(request: Request) -> (Request, Option<Unread>) {
    if request.body().is_end_stream() || request.version() == Version::HTTP_2 {
        return (request, None);
    }
    let unread = Unread(Arc::default());
    // Who asks first sends nothing before somebody begins to read, or so it says.
    let is_sent = request.version() != Version::HTTP_11
        || request
            .headers()
            .get(EXPECT)
            .is_none_or(|what| !what.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let request =
        request.map(|body| Body::new(Watched { body: Some(body), is_sent, unread: unread.clone() }));
    (request, Some(unread))
}

impl Unread {
    /// What has to be read before the answer is sent, if anything has.
    pub(crate) fn rest(self, response: &mut Response) -> Option<Rest> {
        let left = std::mem::take(&mut *self.lock());
        match left {
            Left::Nothing => None,
            // Whatever comes next might be the body or another request.
            Left::Unsent => {
                end_behind(response);
                None
            }
            Left::Sent(body) => Some(Rest(body)),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What its sender sends, and nobody wants.
pub(crate) struct Rest(Body);

impl Rest {
    /// Reads it. Behind who sends very much, or slowly, the connection ends.
    pub(crate) async fn read(self, response: &mut Response) {
        if timeout(PATIENCE, self.read_to_end()).await != Ok(true) {
            end_behind(response);
        }
    }

    /// Whether it came to its end.
    async fn read_to_end(self) -> bool {
        let mut chunks = self.0.into_data_stream();
        let mut left = MOST_BYTES;
        while let Some(Ok(chunk)) = chunks.next().await {
            match left.checked_sub(chunk.len()) {
                Some(less) => left = less,
                None => return false,
            }
        }
        true
    }
}

/// Ends the connection behind this answer, once it was read on for a while. Nobody else sets this header.
fn end_behind(response: &mut Response) {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}

/// A body that is given back if it is dropped before its end.
struct Watched {
    body: Option<Body>,
    /// Whether its sender sends it.
    is_sent: bool,
    unread: Unread,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_sent = true;
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

impl Drop for Watched {
    fn drop(&mut self) {
        let body = self.body.take().filter(|body| !body.is_end_stream());
        *self.unread.lock() = match body {
            None => Left::Nothing,
            Some(body) if self.is_sent => Left::Sent(body),
            Some(_) => Left::Unsent,
        };
    }
}
