//! The fault proxy does what its rules say, and its log is what the server saw.

mod client;
mod faults;
mod log;
mod pass;
mod rules;
mod server;

use std::sync::Arc;

use integration_tests::proxy::FaultProxy;

use client::{Client, Protocol};
use server::Server;

/// A server, a proxy before it, and a client on one connection to that.
struct Setup {
    server: Arc<Server>,
    proxy: FaultProxy,
    protocol: Protocol,
}

impl Setup {
    async fn new(protocol: Protocol) -> Self {
        let server = Server::start().await;
        let proxy = start(&server.url);
        Self { server, proxy, protocol }
    }

    async fn client(&self) -> Client {
        Client::connect(self.protocol, self.proxy.url()).await
    }
}

fn start(upstream: &str) -> FaultProxy {
    FaultProxy::start(env!("CARGO_BIN_EXE_fault-proxy"), upstream)
}
