//! A message's body that is all there, passed on whole or cut short.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// Between the last byte of a body that is cut short and the break: time for the byte to get out.
const LAST_BYTE: Duration = Duration::from_millis(50);

/// A body that is all there.
#[derive(Debug)]
pub(super) struct Whole {
    data: Option<Bytes>,
    end: End,
}

#[derive(Debug)]
enum End {
    Trailers(Option<HeaderMap>),
    Break(Option<Pin<Box<Sleep>>>),
}

impl Whole {
    /// The data, then the trailers.
    pub(super) fn new(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self { data: Some(data).filter(|data| !data.is_empty()), end: End::Trailers(trailers) }
    }

    /// At most so many bytes, then an error, which breaks the stream. What was whole is not any more.
    pub(super) fn cut(self, keep: usize) -> Self {
        let whole = self.len();
        let most = match self.end {
            End::Trailers(None) => whole.saturating_sub(1),
            // Without its trailers it is not whole either.
            End::Trailers(Some(_)) | End::Break(_) => whole,
        };
        let data = self.data.map(|data| data.slice(..keep.min(most)));
        Self { data: data.filter(|data| !data.is_empty()), end: End::Break(None) }
    }

    /// How many bytes of data are left.
    pub(super) fn len(&self) -> usize {
        self.data.as_ref().map_or(0, Bytes::len)
    }
}

impl Body for Whole {
    type Data = Bytes;
    /// The error has the code with which HTTP/2 resets the stream.
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        if let Some(data) = self.data.take() {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match &mut self.end {
            End::Trailers(trailers) => Poll::Ready(trailers.take().map(|fields| Ok(Frame::trailers(fields)))),
            End::Break(pause) => {
                let pause = pause.get_or_insert_with(|| Box::pin(sleep(LAST_BYTE)));
                ready!(pause.as_mut().poll(context));
                Poll::Ready(Some(Err(h2::Reason::INTERNAL_ERROR.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && matches!(self.end, End::Trailers(None))
    }

    /// Unknown, so that the length is told if the sender told it, and only then.
    fn size_hint(&self) -> SizeHint {
        if self.is_end_stream() { SizeHint::with_exact(0) } else { SizeHint::default() }
    }
}
