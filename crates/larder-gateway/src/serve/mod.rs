//! Answering on a listener.

mod connections;
mod head_timer;
mod lingering;
mod options;
mod placement;
mod tls;

use std::io;

use tokio::net::TcpListener;

pub use self::connections::Drained;
pub use self::options::ServeOptions;
pub use self::tls::Tls;

use crate::gateway::Gateway;
use crate::guard::LoopbackGuard;

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
    serve_with(&gateway, listener, &ServeOptions::new(), shutdown).await;
    Ok(())
}

/// The same with settings; says whether all requests were finished in time.
///
/// From `shutdown` on, `/readyz` says no, no connection is accepted, and connections are closed behind the answer that
/// they are at.
pub async fn serve_with(
    gateway: &Gateway,
    listener: TcpListener,
    options: &ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    connections::serve(gateway, gateway.router(), listener, options, shutdown).await
}

/// Answers what operators ask on a listener of its own, for as long as this is polled: also while the gateway drains. One
/// on loopback refuses what pages in browsers may have sent.
pub async fn serve_admin(gateway: &Gateway, listener: TcpListener) {
    let is_loopback = listener.local_addr().map_or(true, |address| address.ip().to_canonical().is_loopback());
    let router = gateway.admin_router(is_loopback.then(LoopbackGuard::new));
    connections::serve(gateway, router, listener, &ServeOptions::new(), std::future::pending()).await;
}
