//! What a page in a browser can send to a gateway without keys, and does not get done.

use larder_gateway::{Access, GatewayOptions, LoopbackGuard, ServeOptions};

use crate::served::{STORE, Served, everything, keys};

const PUT: &str = "POST /v1/operations/data";
const JSON: (&str, &str) = ("Content-Type", "application/json");
const HOST: (&str, &str) = ("Host", "localhost");
const BODY: &[u8] = br#"{"key":"victim","value":1}"#;

async fn is_untouched(served: &Served) -> bool {
    served.store(STORE).await.get("victim").await.expect("a get").is_none()
}

#[tokio::test]
async fn a_name_that_was_made_to_point_here_is_no_name_of_ours() {
    let served = Served::without_keys().await;
    served.store(STORE).await.put("victim", "secret", larder::PutOptions::new()).await.expect("a put");
    for host in
        ["rebound.example", "rebound.example:8080", "127.0.0.1.rebound.example", "localhost.rebound.example"]
    {
        // The page and the target have one origin then, so that nothing else gives it away.
        let origin = format!("http://{host}");
        for line in [
            "GET /v1/operations/data?key=victim",
            "GET /v1/operations/data?prefix=",
            "DELETE /v1/operations/data?key=victim",
            "GET /metrics",
            "GET /v1/kv/cache/entry?key=victim",
        ] {
            let reply = served.send(line, &[("Host", host), ("Origin", &origin)], b"").await.is(403);
            assert!(!reply.text().contains("secret"), "{reply:?}");
            served.send(line, &[("Host", host)], b"").await.is(403);
        }
        served.send(PUT, &[("Host", host), ("Origin", &origin), JSON], BODY).await.is(403);
    }
    // The address in the request line counts as well, and no name at all is none of ours.
    served.send("GET http://rebound.example/v1/operations/data?key=victim", &[HOST], b"").await.is(403);
    served.send("GET /v1/operations/data?key=victim", &[], b"").await.is(403);
    let kept = served.store(STORE).await.get("victim").await.expect("a get");
    assert_eq!(kept.as_deref(), Some(&b"secret"[..]));
}

#[tokio::test]
async fn a_post_from_another_page_changes_nothing() {
    let served = Served::without_keys().await;
    for origin in ["https://evil.example", "null", "http://localhost:3000", "http://127.0.0.1"] {
        served.send(PUT, &[HOST, ("Origin", origin), JSON], BODY).await.is(403);
    }
    // What a form or `fetch` sends without asking, and without an origin where a browser leaves it out.
    for kind in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
    ] {
        served.send(PUT, &[HOST, ("Content-Type", kind)], BODY).await.is(415);
    }
    served.send(PUT, &[HOST], BODY).await.is(415);
    assert!(is_untouched(&served).await);
    served.send(PUT, &[HOST, JSON], BODY).await.is(200);
    assert!(!is_untouched(&served).await);
}

#[tokio::test]
async fn no_page_is_told_that_it_may() {
    for served in [Served::without_keys().await, Served::with_keys().await] {
        let asking = [
            HOST,
            ("Origin", "https://evil.example"),
            ("Access-Control-Request-Method", "PUT"),
            ("Access-Control-Request-Headers", "content-type"),
        ];
        let reply = served.send("OPTIONS /v1/operations/data", &asking, b"").await;
        assert!(reply.status >= 400, "{reply:?}");
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
    // Nor is a page that has a key, from wherever.
    let served = Served::with_keys().await;
    let key = served.key(everything()).await;
    let asking = [HOST, ("Origin", "https://evil.example"), ("X-API-Key", key.as_str())];
    let reply = served.send("GET /v1/operations/data?key=k", &asking, b"").await;
    assert_eq!(reply.header("access-control-allow-origin"), None, "{reply:?}");
}

#[tokio::test]
async fn an_origin_that_the_operator_allows_is_let_in_and_no_other() {
    let options = |_: &larder::Context| {
        let options = GatewayOptions::new(Access::Loopback(LoopbackGuard::new()));
        options.cors_origin("https://app.example").expect("an origin")
    };
    let served = Served::start(options, ServeOptions::new()).await;
    let asking = |origin| {
        [
            HOST,
            ("Origin", origin),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "content-type"),
        ]
    };
    let reply = served.send("OPTIONS /v1/operations/data", &asking("https://app.example"), b"").await.is(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example"));
    let reply = served.send("OPTIONS /v1/operations/data", &asking("https://evil.example"), b"").await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
    let reply = served.send(PUT, &[HOST, ("Origin", "https://app.example"), JSON], BODY).await.is(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example"));
    served.send(PUT, &[HOST, ("Origin", "https://evil.example"), JSON], BODY).await.is(403);
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_present_a_key() {
    let options = |context: &larder::Context| {
        let options = GatewayOptions::new(keys(context));
        options.cors_origin("https://app.example").expect("an origin")
    };
    let served = Served::start(options, ServeOptions::new()).await;
    let key = served.key(everything()).await;
    let bearer = format!("Bearer {key}");
    let (host, origin) = (("Host", "gateway.example"), ("Origin", "https://app.example"));
    // Browsers ask without the key first.
    let asking = [
        host,
        origin,
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,content-type,x-api-key"),
    ];
    let reply = served.send("OPTIONS /v1/operations/data", &asking, b"").await.is(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example"));
    let allowed = reply.header("access-control-allow-headers").expect("headers").to_ascii_lowercase();
    for name in ["authorization", "content-type", "x-api-key"] {
        assert!(allowed.split(',').any(|one| one.trim() == name), "{name} is not in {allowed}");
    }
    let reply = served.send(PUT, &[host, origin, JSON, ("Authorization", &bearer)], BODY).await.is(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example"));
    // A page must be able to read why it was refused, and an origin is no key.
    let reply = served.send(PUT, &[host, origin, JSON], BODY).await.is(401);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://app.example"));
    let evil = ("Origin", "https://evil.example");
    let reply = served.send(PUT, &[host, evil, JSON, ("Authorization", &bearer)], BODY).await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
}
