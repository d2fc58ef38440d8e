//! The control port: how a test changes the rules and reads the log while the proxy runs.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;

use super::perform::Proxy;
use super::rule::Rule;

/// How many entries of the log are given at a time, unless the test asks for another number.
pub(super) const PAGE: usize = 1_000;

/// Answers a request of the test.
pub(super) async fn answer(proxy: &Proxy, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return refused(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let asked = (&head.method, head.uri.path());
    if asked == (&Method::GET, "/log") {
        let query = head.uri.query().unwrap_or_default();
        return match (number(query, "offset", 0), number(query, "limit", PAGE)) {
            (Ok(offset), Ok(limit)) => json(&proxy.journal.log(offset, limit)),
            (Err(error), _) | (_, Err(error)) => refused(StatusCode::BAD_REQUEST, error),
        };
    } else if asked == (&Method::GET, "/counts") {
        return json(&proxy.journal.counts());
    } else if asked == (&Method::POST, "/rules") {
        return match replace(proxy, &body) {
            Ok(()) => done(),
            Err(error) => refused(StatusCode::BAD_REQUEST, error),
        };
    } else if asked == (&Method::POST, "/settle") {
        proxy.journal.settle().await;
        return done();
    } else if asked == (&Method::POST, "/reset") {
        return match replace(proxy, b"[]") {
            Ok(()) => {
                proxy.journal.clear().await;
                done()
            }
            Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, error),
        };
    }
    refused(StatusCode::NOT_FOUND, format!("nothing answers {} {}", head.method, head.uri.path()))
}

fn replace(proxy: &Proxy, body: &[u8]) -> Result<(), String> {
    let rules: Vec<Rule> = serde_json::from_slice(body).map_err(|error| format!("not rules: {error}"))?;
    proxy.rules.replace(rules)
}

/// A number in the query.
fn number(query: &str, name: &str, default: usize) -> Result<usize, String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    value.map_or(Ok(default), |value| value.parse().map_err(|error| format!("{name}: {error}")))
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(text) => Response::new(Full::from(text)),
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

fn done() -> Response<Full<Bytes>> {
    Response::new(Full::default())
}

fn refused(status: StatusCode, why: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(why));
    *response.status_mut() = status;
    response
}
