//! Letting requests in.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::credentials::{Presented, presented};
use super::loopback::LoopbackGuard;
use crate::caller::{Caller, Identity};
use crate::gateway::Gateway;
use crate::keys::{Keyring, Verified};
use crate::problem::{Code, Problem};

/// Whom a gateway lets in.
#[derive(Clone, Debug)]
pub enum Access {
    /// Whoever comes over loopback, but for pages in browsers. Nothing limits what they may do: never serve it elsewhere.
    Loopback(LoopbackGuard),
    /// Who presents a good key.
    Keys(Arc<Keyring>),
}

/// Whom a gateway lets in, with all of its settings.
#[derive(Debug)]
pub(crate) struct Door(Access);

impl Door {
    /// Pages of the origins that CORS allows may come to a gateway without keys, too.
    pub(crate) fn new(access: Access, cors_origins: &[HeaderValue]) -> Self {
        Self(match access {
            Access::Loopback(guard) => Access::Loopback(guard.allow_origins(cors_origins.iter().cloned())),
            keys => keys,
        })
    }
}

/// Lets a request in, with its [`Caller`] as an extension, or answers 401, 403, 415, 429 or 503.
pub(crate) async fn authenticate<A: Future<Output = Response>>(
    gateway: &Gateway,
    mut request: Request,
    answer: impl FnOnce(Request) -> A,
) -> Response {
    let keyring = match &gateway.door().0 {
        Access::Loopback(guard) => {
            if let Err(problem) = guard.check(&request) {
                return problem.into_response();
            }
            request.extensions_mut().insert(Caller::loopback());
            return answer(request).await;
        }
        Access::Keys(keyring) => keyring,
    };
    // Boxed, so that requests to gateways without keys carry nothing of it.
    let verified = match Box::pin(verify(keyring, request.headers())).await {
        Ok(verified) => verified,
        Err(problem) => return problem.into_response(),
    };
    let verdict = verified.allowance.as_ref().map(|allowance| allowance.take());
    let mut response = match verdict.filter(|verdict| verdict.is_refusal()) {
        Some(_) => Problem::new(Code::RateLimited, "this key has used up its allowance; try again later")
            .into_response(),
        None => {
            request.extensions_mut().insert(verified.caller.clone());
            answer(request).await
        }
    };
    if let Some(verdict) = verdict {
        verdict.tell(response.headers_mut());
    }
    response.extensions_mut().insert(Identity::Key(verified.key.id));
    response
}

async fn verify(keyring: &Arc<Keyring>, headers: &HeaderMap) -> Result<Verified, Problem> {
    let found = match presented(headers) {
        Presented::Key(text) => keyring.verify(text).await.map_err(unreadable)?,
        Presented::Nothing => return Err(unauthorized("this gateway wants an API key")),
        Presented::Unclear => return Err(unauthorized("it is not clear which API key is meant")),
    };
    found.ok_or_else(|| unauthorized("this API key is not known here, was revoked, or has expired"))
}

fn unauthorized(why: &str) -> Problem {
    let message = format!("{why}; send one as Authorization: Bearer KEY, or as X-API-Key: KEY");
    let mut headers = HeaderMap::new();
    headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    Problem::new(Code::Unauthorized, message).with_headers(headers)
}

/// Nobody can be let in while the keys cannot be read: whatever is wrong, it is the gateway that cannot serve.
pub(super) fn unreadable(error: larder::Error) -> Problem {
    tracing::warn!(target: "larder", request_id = crate::request_id::current(), %error, "no API key can be checked");
    Problem::new(Code::Unavailable, "API keys cannot be checked now; try again later")
        .with_retry_after(Some(std::time::Duration::from_secs(1)))
}
