//! Answering on a listener.

use std::io;

use tokio::net::TcpListener;

use crate::gateway::Gateway;

/// Answers requests that come to a listener, until `shutdown` is ready; then finishes those that were begun.
///
/// # Errors
///
/// What keeps the listener from being read.
pub async fn serve(
    gateway: Gateway,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, gateway.router()).with_graceful_shutdown(shutdown).await
}
