//! What keeps web pages away from a gateway that asks for no key.
//!
//! A page in a browser on this machine can reach it: by a name that is made to point at 127.0.0.1 (DNS rebinding), and by
//! posts that browsers send anywhere without asking. Neither can choose the `Host` that it sends, leave out `Origin`
//! where the two differ, or send a body as JSON without asking first.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::extract::media_type;
use crate::problem::{Code, Problem};

/// Bodies of these types are never sent across origins unless the browser has asked, and was allowed to.
const ASKED_FIRST: &[&str] = &["application/json", "application/octet-stream", "application/x-ndjson"];
/// Where the page is that a browser asks for: `none` is the address bar.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Types of Larder's own are not sent unasked either.
const OWN_TYPES: &str = "application/vnd.larder.";

/// The checks of a gateway that lets in whoever comes over loopback.
#[derive(Clone, Debug, Default)]
pub struct LoopbackGuard {
    origins: Vec<HeaderValue>,
}

impl LoopbackGuard {
    /// Requests to this machine by its own names, from no page of another origin.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets pages of these origins in, too: those that CORS allows.
    #[must_use]
    pub fn allow_origins(mut self, origins: impl IntoIterator<Item = HeaderValue>) -> Self {
        self.origins.extend(origins);
        self
    }

    /// Refuses what a page may have sent.
    pub(crate) fn check(&self, request: &Request) -> Result<(), Problem> {
        let headers = request.headers();
        let host = host(request.uri(), headers).filter(|host| is_this_machine(host)).ok_or_else(|| {
            Problem::new(
                Code::Forbidden,
                "the header Host must name this machine: localhost, 127.0.0.1 or [::1]; to be reached by another name, \
                 the gateway needs API keys",
            )
        })?;
        let mut has_origin = false;
        for origin in headers.get_all(ORIGIN) {
            has_origin = true;
            if !self.origins.contains(origin) && !is_origin_of(origin, host) {
                return Err(Problem::new(
                    Code::Forbidden,
                    "a page of another origin may not use this gateway; its operator can allow the origin with --cors-origin",
                ));
            }
        }
        // Browsers send no `Origin` with what a page embeds or gets without looking at it.
        if !has_origin
            && headers.get_all(FETCH_SITE).iter().any(|site| site != "same-origin" && site != "none")
        {
            return Err(Problem::new(Code::Forbidden, "a page of another origin may not use this gateway"));
        }
        if *request.method() == Method::POST && !is_asked_first(headers) {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "without API keys, a POST says Content-Type: application/json, or the type that its route takes",
            ));
        }
        Ok(())
    }
}

/// Answers 403 or 415 to what a page may have sent.
pub(crate) async fn guarded(State(guard): State<LoopbackGuard>, request: Request, next: Next) -> Response {
    match guard.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The one host that a request is for, with its port. HTTP/2 says it in the URI.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut named = headers.get_all(HOST).iter();
    let header = named.next().map(HeaderValue::to_str);
    match (uri.authority(), header, named.next()) {
        (Some(authority), None, None) => Some(authority.as_str()),
        (None, Some(Ok(host)), None) => Some(host),
        // Servers in front and behind might each believe another.
        (Some(authority), Some(Ok(host)), None) if authority.as_str().eq_ignore_ascii_case(host) => {
            Some(host)
        }
        _ => None,
    }
}

/// Whether this is one of the machine's own names, and nothing else than that and a port.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    // Nobody but its owner is reached by an address; `localhost` is never looked up elsewhere.
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || name == "[::1]"
}

fn is_origin_of(origin: &HeaderValue, host: &str) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

fn is_asked_first(headers: &HeaderMap) -> bool {
    let essence = media_type(headers);
    ASKED_FIRST.contains(&essence.as_str()) || essence.starts_with(OWN_TYPES)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::StatusCode;

    use super::*;

    fn request(method: &str, lines: &[(&str, &str)]) -> Request {
        let builder = Request::builder().method(method).uri("/v1/operations/data");
        let builder = lines.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        builder.body(Body::empty()).expect("a request")
    }

    fn status(guard: &LoopbackGuard, method: &str, lines: &[(&str, &str)]) -> Option<StatusCode> {
        guard.check(&request(method, lines)).err().map(|problem| problem.code().status())
    }

    #[test]
    fn only_this_machines_own_names_are_hosts() {
        let guard = LoopbackGuard::new();
        for host in
            ["localhost", "localhost:", "LOCALHOST:80", "127.0.0.1:7070", "127.8.8.8", "[::1]", "[::1]:7070"]
        {
            assert_eq!(status(&guard, "GET", &[("host", host)]), None, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:7070",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost.",
            "user@localhost",
            "localhost@evil.example:80",
            "localhost:80:80",
            "localhost:abc",
            "localhost/",
            "[::1].evil.example",
            "::1",
            "192.168.0.1",
            "0.0.0.0",
            "[::]",
            "",
        ] {
            assert_eq!(status(&guard, "GET", &[("host", host)]), Some(StatusCode::FORBIDDEN), "{host}");
        }
        assert_eq!(status(&guard, "GET", &[]), Some(StatusCode::FORBIDDEN));
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(status(&guard, "GET", &two), Some(StatusCode::FORBIDDEN));
    }

    #[test]
    fn only_pages_of_its_own_or_of_an_allowed_origin_are_let_in() {
        let guard = LoopbackGuard::new().allow_origins([HeaderValue::from_static("https://app.example")]);
        let from = |origin| [("host", "localhost:7070"), ("origin", origin)];
        for origin in ["http://localhost:7070", "https://app.example"] {
            assert_eq!(status(&guard, "GET", &from(origin)), None, "{origin}");
        }
        for origin in [
            "https://evil.example",
            "null",
            "http://localhost:3000",
            "http://localhost",
            "https://app.example.evil",
            "",
        ] {
            assert_eq!(status(&guard, "GET", &from(origin)), Some(StatusCode::FORBIDDEN), "{origin}");
        }
    }

    #[test]
    fn what_pages_of_others_embed_is_refused() {
        let guard = LoopbackGuard::new().allow_origins([HeaderValue::from_static("https://app.example")]);
        let from = |site| [("host", "localhost:7070"), ("sec-fetch-site", site)];
        for site in ["same-origin", "none"] {
            assert_eq!(status(&guard, "GET", &from(site)), None, "{site}");
        }
        for site in ["cross-site", "same-site", ""] {
            assert_eq!(status(&guard, "GET", &from(site)), Some(StatusCode::FORBIDDEN), "{site}");
        }
        let allowed =
            [("host", "localhost"), ("sec-fetch-site", "cross-site"), ("origin", "https://app.example")];
        assert_eq!(status(&guard, "GET", &allowed), None);
    }

    #[test]
    fn a_post_says_that_it_is_json() {
        let guard = LoopbackGuard::new();
        for kind in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.larder.attempt"]
        {
            assert_eq!(
                status(&guard, "POST", &[("host", "localhost"), ("content-type", kind)]),
                None,
                "{kind}"
            );
        }
        for kind in [
            "text/plain",
            "text/plain; application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/json, text/plain",
            "",
        ] {
            let found = status(&guard, "POST", &[("host", "localhost"), ("content-type", kind)]);
            assert_eq!(found, Some(StatusCode::UNSUPPORTED_MEDIA_TYPE), "{kind}");
        }
        let none = status(&guard, "POST", &[("host", "localhost")]);
        assert_eq!(none, Some(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
}
