//! A client's connection that can be broken from outside.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, copy, sink};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

/// How long a client may take to see the end of its connection.
const FAREWELL: Duration = Duration::from_secs(1);

/// The end of a connection by which it is broken.
#[derive(Debug, Default)]
pub(super) struct Cord {
    pulled: Notify,
    how: OnceLock<Break>,
}

#[derive(Clone, Copy, Debug)]
enum Break {
    Close,
    Reset,
}

impl Cord {
    /// Closes the connection: the client sees its end.
    pub(super) fn close(&self) {
        self.pull(Break::Close);
    }

    /// Resets the connection: the client sees an error.
    pub(super) fn reset(&self) {
        self.pull(Break::Reset);
    }

    /// Waits until it is pulled. Whoever waits then drops the [`Wire`].
    pub(super) async fn pulled(&self) {
        self.pulled.notified().await;
    }

    fn pull(&self, how: Break) {
        // Of several streams that break a connection, the first says how.
        let _ = self.how.set(how);
        self.pulled.notify_one();
    }
}

/// A connection that ends as its [`Cord`] says, when it is dropped.
#[derive(Debug)]
pub(super) struct Wire {
    /// There until it is dropped.
    stream: Option<TcpStream>,
    cord: Arc<Cord>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, cord: Arc<Cord>) -> Self {
        Self { stream: Some(stream), cord }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let Some(stream) = self.stream.take() else { return };
        match (self.cord.how.get(), Handle::try_current()) {
            (Some(Break::Close), Ok(runtime)) => drop(runtime.spawn(close(stream))),
            // If it fails, the client sees an end where an error was asked for, and loses the reply all the
            // same.
            (Some(Break::Reset), _) => drop(stream.set_zero_linger()),
            _ => {}
        }
    }
}

/// Ends a connection, and reads what the client still sends: unread bytes would turn the end into an error.
async fn close(mut stream: TcpStream) {
    // A client that is gone, or stays for too long, needs no farewell.
    let _ = stream.shutdown().await;
    let _ = timeout(FAREWELL, copy(&mut stream, &mut sink())).await;
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }
}
