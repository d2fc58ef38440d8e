//! A network of its own between the client and the emulator: what the server sends arrives later, as by 20 ms.
//!
//! It passes bytes on, whatever they mean: HTTP/1 and the HTTP/2 of gRPC alike. A request that is longer than the windows of
//! flow control waits for the server as it would on a real network.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::Outcome;

/// How far away servers are.
pub(super) const DELAY: Duration = Duration::from_millis(20);

/// Starts it in front of a server; returns its address. Without a delay it only takes the time that passing bytes on takes.
pub(super) async fn in_front_of(url: &str, delay: Duration) -> Outcome<String> {
    let upstream = url.strip_prefix("http://").ok_or("the emulator speaks plain HTTP")?.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(&upstream).await else { break };
            if client.set_nodelay(true).and(server.set_nodelay(true)).is_err() {
                continue;
            }
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let (send, receive) = mpsc::unbounded_channel();
            tokio::spawn(pass_on(from_client, to_server));
            tokio::spawn(note(from_server, send, delay));
            tokio::spawn(deliver(receive, to_client));
        }
    });
    Ok(address)
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

/// Reads what comes, and notes when it may arrive.
async fn note(mut from: OwnedReadHalf, to: mpsc::UnboundedSender<(Instant, Bytes)>, delay: Duration) {
    let mut buffer = vec![0; 64 * 1_024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if to.send((Instant::now() + delay, Bytes::copy_from_slice(&buffer[..length]))).is_err() {
            break;
        }
    }
}

async fn deliver(mut from: mpsc::UnboundedReceiver<(Instant, Bytes)>, mut to: OwnedWriteHalf) {
    while let Some((at, bytes)) = from.recv().await {
        if at > Instant::now() {
            sleep_until(at).await;
        }
        if to.write_all(&bytes).await.is_err() {
            break;
        }
    }
}
