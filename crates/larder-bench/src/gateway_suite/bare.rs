//! The other side: a handler that has its answer ready.

use axum::Router;
use axum::routing::any;
use bytes::Bytes;
use tokio::net::TcpListener;

use super::VALUE_BYTES;
use crate::Outcome;
use crate::sled_suite::store::runtime;

/// Answers every request with the same bytes, until the process is killed. Prints where.
pub(crate) fn serve() -> Outcome<()> {
    runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let value = Bytes::from(vec![b'x'; VALUE_BYTES]);
        // It takes what is sent, as every server must that keeps its connections.
        let router = Router::new().fallback(any(async move |_sent: Bytes| value.clone()));
        axum::serve(listener, router).await?;
        Ok(())
    })
}
