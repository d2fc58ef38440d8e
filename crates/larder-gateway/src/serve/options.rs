//! How to listen.

use std::time::Duration;

use tokio::runtime::Handle;

use super::tls::Tls;

/// How to listen.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct ServeOptions {
    /// How long requests may go on once the gateway is to end; 30 s unless told.
    pub drain: Duration,
    /// How long a connection may take to send the head of a request, and so how long it may be idle; 75 s unless told.
    /// Longer than clients keep idle connections, so that it is they who close them.
    pub head_timeout: Duration,
    /// Certificates, for HTTPS.
    pub tls: Option<Tls>,
    /// Where connections are answered, each on one of these to its end; on the runtime that listens, if there is none.
    pub runtimes: Vec<Handle>,
}

impl ServeOptions {
    /// Plain HTTP.
    pub fn new() -> Self {
        Self {
            drain: Duration::from_secs(30),
            head_timeout: Duration::from_secs(75),
            tls: None,
            runtimes: Vec::new(),
        }
    }

    /// How long requests may go on once the gateway is to end.
    pub fn drain(mut self, limit: Duration) -> Self {
        self.drain = limit;
        self
    }

    /// How long a connection may take to send the head of a request.
    pub fn head_timeout(mut self, limit: Duration) -> Self {
        self.head_timeout = limit;
        self
    }

    /// Speaks HTTPS, and nothing else.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Answers each connection on one of these runtimes, the one that has the fewest, to its end. With one of a single
    /// thread for each core, no request is handed from thread to thread. Requests of HTTP/2, which share a connection, are
    /// answered on the runtime that listens, so that one connection may use all of its threads.
    ///
    /// They have to go on for as long as the stores are in use: what a store's first request begins stays where it was.
    pub fn runtimes(mut self, runtimes: impl IntoIterator<Item = Handle>) -> Self {
        self.runtimes = runtimes.into_iter().collect();
        self
    }
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self::new()
    }
}
