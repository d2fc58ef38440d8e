//! How to reach a gateway.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use larder_core::Clock;

use crate::clock::SteadyClock;

/// How to reach a binding of a gateway.
///
/// ```
/// use larder_remote::RemoteOptions;
///
/// let options = RemoteOptions::new("https://larder.internal", "cache").api_key("kv_1_c2VjcmV0");
/// assert!(!format!("{options:?}").contains("c2VjcmV0"), "the key is not shown");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RemoteOptions {
    /// The gateway's address: `https://host`, `https://host:port` or with a path in front of its routes.
    pub url: String,
    /// The id that the binding has there.
    pub binding: String,
    /// What lets the requests in; `None` for a gateway on this machine that asks for no key.
    pub api_key: Option<ApiKey>,
    /// Where the requests may go without TLS; to this machine only, unless told.
    pub plain_http: PlainHttp,
    /// How long connecting may take; 1 s unless told (E4).
    pub connect_timeout: Duration,
    /// How long the gateway may take for an attempt, by which it gives up what nobody waits for; 2 s unless told (E4).
    pub attempt_timeout: Duration,
    /// The clock that the gateway's is measured against. It need not be right: only its pace counts. Unless told, one that
    /// nobody can set.
    pub clock: Arc<dyn Clock>,
}

impl RemoteOptions {
    /// A binding of the gateway at an address, without a key.
    pub fn new(url: impl Into<String>, binding: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            binding: binding.into(),
            api_key: None,
            plain_http: PlainHttp::Loopback,
            connect_timeout: Duration::from_secs(1),
            attempt_timeout: Duration::from_secs(2),
            clock: Arc::new(SteadyClock::start()),
        }
    }

    /// What lets the requests in.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(ApiKey::new(key));
        self
    }

    /// Where the requests may go without TLS.
    #[must_use]
    pub fn plain_http(mut self, allowed: PlainHttp) -> Self {
        self.plain_http = allowed;
        self
    }

    /// How long connecting may take.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long the gateway may take for an attempt. Give the handle's own limit.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// The clock that the gateway's is measured against.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

/// Where requests may go without TLS: they hold the key and the values in the clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PlainHttp {
    /// To this machine only.
    #[default]
    Loopback,
    /// Anywhere: the network is trusted, or encrypts by itself.
    Anywhere,
}

/// A gateway's API key. Its `Debug` shows nothing of it, and it has no `Display` (E2).
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// A key as the gateway gave it out.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}
