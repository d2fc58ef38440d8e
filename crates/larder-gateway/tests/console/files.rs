//! The console's files over HTTP.

use reqwest::Method;

use crate::run::with_keys;
use crate::support::{Answer, Server};

#[tokio::test]
async fn they_are_for_everybody_and_kept_until_they_change() {
    let (server, []) = with_keys([]).await;
    for (path, kind) in [
        ("/console/", "text/html; charset=utf-8"),
        ("/console/app.js", "text/javascript; charset=utf-8"),
        ("/console/base.css", "text/css; charset=utf-8"),
        ("/console/icon.svg", "image/svg+xml"),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(kind));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        let policy = answer.header("content-security-policy").expect("a policy");
        for part in ["default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"]
        {
            assert!(policy.split("; ").any(|one| one == part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        let etag = answer.header("etag").expect("a version").to_owned();
        let again = Answer::of(server.request(Method::GET, path).header("If-None-Match", &etag)).await;
        assert_eq!((again.status, again.bytes.len()), (304, 0));
        assert_eq!(again.header("etag"), Some(etag.as_str()));
        let other = Answer::of(server.request(Method::GET, path).header("If-None-Match", "\"other\"")).await;
        assert_eq!((other.status, other.bytes), (200, answer.bytes));
    }
    server.end().await;
}

#[tokio::test]
async fn only_they_are_there_and_only_to_be_read() {
    let server = Server::start().await;
    // The client follows it, relative as it is.
    let page = server.get("/console").await;
    assert!(page.status == 200 && page.bytes == server.get("/console/").await.bytes);
    for path in ["/console/nothing", "/console/..%2FCargo.toml", "/console/index.html%00"] {
        server.get(path).await.refused(404, "ROUTE_NOT_FOUND");
    }
    server.post("/console/", &serde_json::json!({})).await.refused(405, "METHOD_NOT_ALLOWED");
    let head = Answer::of(server.request(Method::HEAD, "/console/")).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    server.end().await;
}
