//! The one way to the gateway: pooled connections, one request for each attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use larder_core::driver::time_left;
use larder_core::{Clock, Error, ErrorKind, Result, Timestamp};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client as Http, Response, StatusCode, Url};

use crate::clock::ServerClock;
use crate::endpoint::{attempts_url, authorization, is_loopback};
use crate::error::{Failure, Problem};
use crate::options::RemoteOptions;
use crate::wire::{self, Attempt, Call, Outcome, decode_outcome};

/// Shorter than servers and the load balancers before them keep idle connections.
const POOL_IDLE: Duration = Duration::from_secs(30);
/// The longest pause that a gateway may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// The most of a reply that is no store's to look at.
const MAX_PROBLEM_BYTES: usize = 64 * 1024;

/// Sends attempts to one binding of a gateway.
pub(crate) struct Client {
    http: Http,
    attempts: Url,
    authorization: Option<HeaderValue>,
    attempt_timeout: Duration,
    pub(crate) clock: Arc<ServerClock>,
}

impl Client {
    pub(crate) fn new(options: &RemoteOptions) -> Result<Self> {
        let attempts = attempts_url(options)?;
        // An attempt is an attempt: it goes where it was meant to, once.
        let mut builder = Http::builder()
            .user_agent(concat!("larder/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        // A proxy is for what is far away.
        if is_loopback(&attempts) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            Error::new(ErrorKind::Internal, format!("no HTTP client: {}", reason(&error)))
        })?;
        Ok(Self {
            http,
            authorization: authorization(options)?,
            attempts,
            attempt_timeout: options.attempt_timeout,
            clock: Arc::new(ServerClock::new(Arc::clone(&options.clock))),
        })
    }

    /// Sends one attempt at a call, and reads the whole reply.
    pub(crate) async fn send(&self, call: Call, now: Option<Timestamp>) -> Result<Outcome, Failure> {
        let url =
            self.attempts.join(call.method().as_str()).map_err(|_| Failure::Unfit("the URL is none"))?;
        let sent_at = now.unwrap_or_else(|| self.clock.now());
        // Whoever has no handle above waits as long as the options say.
        let time_left = time_left().map_or(self.attempt_timeout, |left| left.min(self.attempt_timeout));
        let body = Attempt { sent_at, time_left, call }.encode();
        if body.len() > wire::MAX_REQUEST_BYTES {
            return Err(Failure::Unfit("it is larger than any that a gateway takes"));
        }
        let mut request = self.http.post(url).header(CONTENT_TYPE, wire::CONTENT_TYPE).body(body);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let sent = self.clock.own_now();
        let response = request.send().await.map_err(|error| unsent(&error))?;
        if let Some(time) = time(response.headers()) {
            self.clock.learn(sent, time);
        }
        if response.status() == StatusCode::OK {
            let is_ours = is_attempts(response.headers());
            let body = read(response, wire::MAX_REPLY_BYTES).await?;
            return if is_ours {
                decode_outcome(body).map_err(Failure::Unreadable)
            } else {
                Err(Failure::Foreign)
            };
        }
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        // Who spoke is told by the words: without them it was not the gateway.
        let body = read(response, MAX_PROBLEM_BYTES).await.unwrap_or_default();
        Err(Failure::Refused(Problem::read(status, retry_after, &body)))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("attempts", &self.attempts.as_str()).finish_non_exhaustive()
    }
}

fn is_attempts(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == wire::CONTENT_TYPE.as_bytes())
}

/// The body of a response, if it is not larger than that.
async fn read(mut response: Response, limit: usize) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Failure::Broken(reason(&error)))? {
        if body.len() + chunk.len() > limit {
            return Err(Failure::Foreign);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// What became of a request that got no reply.
fn unsent(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        Failure::Unreachable(reason(error))
    } else if error.is_builder() {
        Failure::Unfit("it is no request")
    } else {
        Failure::Broken(reason(error))
    }
}

/// The innermost cause, which names no URL.
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(next) = innermost.and_then(std::error::Error::source) {
        innermost = Some(next);
    }
    match innermost {
        Some(cause) => cause.to_string(),
        None if error.is_timeout() => "it took too long".to_owned(),
        None => "no reason was given".to_owned(),
    }
}

/// The time by the gateway's clock.
fn time(headers: &HeaderMap) -> Option<Timestamp> {
    let millis = headers.get(wire::TIME_HEADER)?.to_str().ok()?.parse().ok()?;
    Some(Timestamp::from_millis(millis))
}

/// How long the gateway asks to wait, up to an hour.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}
