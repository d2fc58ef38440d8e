//! Accepting connections, and finishing them.

use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use axum::http::header::CONNECTION;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::Service;

use super::head_timer::HeadTimer;
use super::lingering::Lingering;
use super::options::ServeOptions;
use super::placement::{Placement, Shared};
use crate::gateway::Gateway;

/// How long a connection may take to agree on keys.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long nothing is accepted when the process has no file descriptors left.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// How a gateway ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drained {
    /// Every request that was begun was answered.
    Whole,
    /// The time was up, and this many connections were cut.
    Cut(usize),
    /// The time was up, and scripts were cut whose callers had left.
    ScriptsCut,
}

pub(super) async fn serve(
    gateway: &Gateway,
    router: Router,
    listener: TcpListener,
    options: &ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    let connections = GracefulShutdown::new();
    let server = server(options.head_timeout);
    let placement = Placement::on(&options.runtimes);
    // Dropped when the gateway is to end.
    let (going_on, ending) = watch::channel(());
    // Dropped, it ends those that are left.
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let (options, server, router) = (options.clone(), server.clone(), router.clone());
                let (watcher, ending) = (connections.watcher(), ending.clone());
                let place = placement.take();
                let runtime = place.runtime.clone();
                // Readiness is told to the runtime that answers, and to no other.
                let left = stream.into_std();
                let answered = async move {
                    match left.and_then(TcpStream::from_std) {
                        Ok(stream) => answer(stream, options, server, router, watcher, ending).await,
                        Err(error) => tracing::warn!(target: "larder", %error, "a connection was lost"),
                    }
                    drop(place);
                };
                open.spawn_on(answered, &runtime);
            }
            Err(error) => pause(&error).await,
        }
    }
    // First, so that nobody who finds the listener closed is told that the gateway is ready.
    gateway.drain();
    drop(listener);
    drop(going_on);
    tracing::info!(target: "larder", connections = open.len(), "draining");
    let finishing = async {
        connections.shutdown().await;
        while open.join_next().await.is_some() {}
        // Those whose callers have left go on, too.
        if let Some(scripts) = gateway.scripts() {
            scripts.finish().await;
        }
    };
    if timeout(options.drain, finishing).await.is_ok() {
        return Drained::Whole;
    }
    // While one was waited for, others may have ended, which were not cut.
    while open.try_join_next().is_some() {}
    match open.len() {
        0 if gateway.scripts().is_none() => Drained::Whole,
        0 => Drained::ScriptsCut,
        connections => Drained::Cut(connections),
    }
}

/// Speaks HTTP/1.1, and HTTP/2 with those who begin with it.
fn server(head_timeout: Duration) -> auto::Builder<Shared> {
    let mut server = auto::Builder::new(Shared::current());
    // Values are short: one buffer is sent for less than a list of two, even with the copy that it takes.
    server.http1().header_read_timeout(head_timeout).writev(false);
    server.http2().timer(TokioTimer::new()).keep_alive_interval(head_timeout);
    server
}

async fn answer(
    stream: TcpStream,
    options: ServeOptions,
    server: auto::Builder<Shared>,
    router: Router,
    watcher: Watcher,
    mut ending: watch::Receiver<()>,
) {
    // Answers are short, and written at once.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &options.tls else {
        return converse(stream, server, router, watcher, options.head_timeout).await;
    };
    let agreed = tokio::select! {
        agreed = timeout(HANDSHAKE, tls.acceptor().accept(stream)) => agreed,
        // Who has not asked anything yet is not waited for.
        _ = ending.changed() => return,
    };
    match agreed {
        Ok(Ok(stream)) => converse(stream, server, router, watcher, options.head_timeout).await,
        // Port scanners, and clients that do not trust the certificate.
        Ok(Err(error)) => tracing::debug!(target: "larder", %error, "no TLS was agreed on"),
        Err(_) => tracing::debug!(target: "larder", "no TLS was agreed on in time"),
    }
}

/// Answers what a connection asks. One that has asked nothing in time is closed: the server's own time limits begin with
/// the first bytes that tell which version of HTTP it speaks.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    mut server: auto::Builder<Shared>,
    router: Router,
    watcher: Watcher,
    first_within: Duration,
) {
    server.http1().timer(HeadTimer::default());
    let asked = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&asked);
    let lingers = Arc::new(AtomicBool::new(false));
    let stream = Lingering::new(stream, Arc::clone(&lingers));
    let service = service_fn(move |request: Request<Incoming>| {
        noted.store(true, Ordering::Relaxed);
        let lingers = Arc::clone(&lingers);
        // A router is always ready.
        router.clone().call(request).inspect(move |answer| {
            // An answer says so by itself where its caller may still send what nobody reads.
            if answer.as_ref().is_ok_and(|response| response.headers().contains_key(CONNECTION)) {
                lingers.store(true, Ordering::Relaxed);
            }
        })
    });
    let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
    let mut connection = pin!(watcher.watch(connection));
    let ended = match timeout(first_within, &mut connection).await {
        Ok(ended) => ended,
        Err(_) if asked.load(Ordering::Relaxed) => connection.await,
        Err(_) => {
            tracing::debug!(target: "larder", "a connection asked nothing");
            return;
        }
    };
    if let Err(error) = ended {
        // The other end has left, or does not speak HTTP.
        tracing::debug!(target: "larder", %error, "a connection ended");
    }
}

async fn pause(error: &io::Error) {
    let is_of_one = matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    );
    if !is_of_one {
        tracing::warn!(target: "larder", %error, "no connection can be accepted");
        sleep(EXHAUSTED).await;
    }
}
