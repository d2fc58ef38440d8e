//! Settings of a gateway.

use std::time::Duration;

use axum::http::HeaderValue;
use larder::{Error, ErrorKind, Result};

use crate::guard::Access;
use crate::scripts::Scripts;

/// Settings of a gateway.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub struct GatewayOptions {
    /// Whom it lets in.
    pub access: Access,
    /// How long a request may take until its answer begins; 30 s unless told. A stream of entries may go on for longer.
    pub request_timeout: Duration,
    /// The origins whose pages may use it from browsers (CORS); none unless told.
    pub cors_origins: Vec<HeaderValue>,
    /// The scripts that it runs; none unless told.
    pub scripts: Option<Scripts>,
}

impl GatewayOptions {
    /// Lets in whoever that is.
    pub fn new(access: Access) -> Self {
        Self { access, request_timeout: Duration::from_secs(30), cors_origins: Vec::new(), scripts: None }
    }

    /// How long a request may take until its answer begins.
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.request_timeout = limit;
        self
    }

    /// Runs scripts.
    pub fn scripts(mut self, scripts: Scripts) -> Self {
        self.scripts = Some(scripts);
        self
    }

    /// Lets pages of an origin use it from browsers: `https://app.example`, with a port where it has one.
    ///
    /// # Errors
    ///
    /// As [`parse_origin`].
    pub fn cors_origin(mut self, origin: &str) -> Result<Self> {
        self.cors_origins.push(parse_origin(origin)?);
        Ok(self)
    }
}

/// Reads an origin, as browsers send it: `https://app.example`.
///
/// # Errors
///
/// `InvalidInput` for what is no origin. `*` is none: a page that nobody knows must not use keys or this machine.
pub fn parse_origin(origin: &str) -> Result<HeaderValue> {
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let is_origin = authority.is_some_and(|authority| {
        !authority.is_empty() && !authority.contains(['/', '?', '#', '@', '*', ' ']) && authority.is_ascii()
    });
    match HeaderValue::from_str(origin) {
        Ok(value) if is_origin => Ok(value),
        _ => Err(Error::new(
            ErrorKind::InvalidInput,
            format!(
                "{origin:?} is no origin: write https://HOST or https://HOST:PORT, without a path and without *"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::LoopbackGuard;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        let options = || GatewayOptions::new(Access::Loopback(LoopbackGuard::new()));
        for origin in ["https://app.example", "http://localhost:3000"] {
            assert_eq!(options().cors_origin(origin).expect("an origin").cors_origins, [origin]);
        }
        for wrong in
            ["*", "app.example", "https://", "https://app.example/", "https://*.example", "null", "ftp://a"]
        {
            assert!(options().cors_origin(wrong).is_err(), "{wrong}");
        }
    }
}
