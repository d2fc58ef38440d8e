//! Connections that are read on for a while behind their last answer.
//!
//! A caller that asked first whether to send a body, and was refused, may send it all the same: many wait for a second, and
//! then do. A connection that is closed before takes its answer back, or lets the caller fail while it sends.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::unread::MOST_BYTES;

/// How long a caller may take to send what nobody wants, and to read why. Callers wait for leave no longer than seconds. A
/// drain waits for it, too.
const LINGER: Duration = Duration::from_secs(5);

/// A connection that is read on when it is shut down, if it is to be.
pub(super) struct Lingering<S> {
    stream: S,
    lingers: Arc<AtomicBool>,
    rest: Option<Rest>,
}

/// What may still come, once the last answer was written.
struct Rest {
    until: Pin<Box<Sleep>>,
    bytes: usize,
}

impl<S> Lingering<S> {
    /// A connection that is read on if this says so by the time that it is shut down.
    pub(super) fn new(stream: S, lingers: Arc<AtomicBool>) -> Self {
        Self { stream, lingers, rest: None }
    }
}

impl<S: AsyncRead + Unpin> Lingering<S> {
    /// Ready when the other end has closed, too, or has had its time.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(rest) = &mut self.rest else { return Poll::Ready(()) };
        let mut bytes = [0; 4_096];
        loop {
            let mut part = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut part) {
                Poll::Pending => return rest.until.as_mut().poll(context),
                Poll::Ready(Ok(())) if (1..=rest.bytes).contains(&part.filled().len()) => {
                    rest.bytes -= part.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.rest.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
            if this.lingers.load(Ordering::Relaxed) {
                this.rest = Some(Rest { until: Box::pin(sleep(LINGER)), bytes: MOST_BYTES });
            }
        }
        this.poll_rest(context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{Instant, timeout};

    use super::*;

    fn connection(lingers: bool) -> (Lingering<DuplexStream>, DuplexStream) {
        let (ours, theirs) = duplex(1_024);
        (Lingering::new(ours, Arc::new(AtomicBool::new(lingers))), theirs)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_nothing_is_left_on_ends_at_once() {
        let (mut ours, _theirs) = connection(false);
        let begun = Instant::now();
        ours.shutdown().await.expect("it ends");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_still_comes_is_read_until_the_caller_closes_or_its_time_is_up() {
        for closes in [true, false] {
            let (mut ours, mut theirs) = connection(true);
            let sending = async move {
                assert_eq!(theirs.read(&mut [0]).await.expect("it is told the end"), 0);
                sleep(Duration::from_secs(1)).await;
                let taken = timeout(LINGER, theirs.write_all(&[0; 10_000])).await;
                taken.expect("somebody reads").expect("it is taken");
                (!closes).then_some(theirs)
            };
            let begun = Instant::now();
            let (ended, _theirs) = tokio::join!(ours.shutdown(), sending);
            ended.expect("it ends");
            assert_eq!(begun.elapsed(), if closes { Duration::from_secs(1) } else { LINGER });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_sends_for_ever() {
        let (mut ours, mut theirs) = connection(true);
        let sending = async move {
            let mut sent = 0;
            while sent < 2 * MOST_BYTES && theirs.write_all(&[0; 1_024]).await.is_ok() {
                sent += 1_024;
            }
            sent
        };
        let ending = async move {
            ours.shutdown().await.expect("it ends");
        };
        let ((), sent) = tokio::join!(ending, sending);
        assert!((MOST_BYTES..MOST_BYTES + 8_192).contains(&sent), "{sent}");
    }
}
