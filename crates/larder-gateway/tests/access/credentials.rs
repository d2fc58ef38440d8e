//! Keys as requests present them.

use std::time::{Duration, Instant};

use larder_gateway::{ApiKey, Grant, Permission, REVOKED_WITHIN};

use crate::served::{OTHER, STORE, Served, everything};

const GET: &str = "GET /v1/operations/data?key=k";

#[tokio::test]
async fn a_key_may_stand_in_either_header_and_must_stand_somewhere() {
    let served = Served::with_keys().await;
    let key = served.key(everything()).await;
    let bearer = format!("Bearer {key}");
    for header in [("Authorization", bearer.as_str()), ("X-API-Key", key.as_str())] {
        served.send(GET, &[("Host", "gateway.example"), header], b"").await.is(404);
    }
    let basic = format!("Basic {key}");
    for headers in [
        &[][..],
        &[("Authorization", key.as_str())],
        &[("Authorization", basic.as_str())],
        &[("X-API-Key", "")],
        &[("X-API-Key", "kv_")],
        &[("Authorization", bearer.as_str()), ("X-API-Key", "other")],
        &[("Cookie", key.as_str())],
    ] {
        let headers = [&[("Host", "gateway.example")], headers].concat();
        let reply = served.send(GET, &headers, b"").await.is(401);
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        assert_eq!(reply.json()["error"], "UNAUTHORIZED");
        assert!(!reply.text().contains(&key[20..]), "{reply:?}");
    }
    // Nor in the path, where logs and histories keep it.
    served.send(&format!("{GET}&apiKey={key}"), &[("Host", "gateway.example")], b"").await.is(401);
}

#[tokio::test]
async fn no_route_for_data_reaches_the_record_of_a_key() {
    let served = Served::with_keys().await;
    // The whole store is this key's.
    let key = served.key(everything()).await;
    let id = key.split('_').nth(1).expect("an id");
    for prefix in ["!", "!gateway-keys", "gateway-keys", ""] {
        let page = served.ask(&key, &format!("GET /v1/kv/cache/scan?prefix={prefix}"), "").await.is(200);
        assert_eq!(page.json()["items"].as_array().map(Vec::len), Some(0), "{prefix:?}: {page:?}");
    }
    for name in
        [format!("!gateway-keys:{id}"), format!("gateway-keys:{id}"), format!("%21gateway-keys%3A{id}")]
    {
        for route in ["/v1/operations/data", "/v1/kv/cache/entry"] {
            served.ask(&key, &format!("GET {route}?key={name}"), "").await.is(404);
            let deleted = served.ask(&key, &format!("DELETE {route}?key={name}"), "").await;
            assert!((200..300).contains(&deleted.status), "{name}: {deleted:?}");
        }
        // Another entry of the same name, for all that data can tell.
        served.ask(&key, &format!("PUT /v1/kv/cache/entry?key={name}"), "1").await.is(200);
        served.ask(&key, &format!("DELETE /v1/kv/cache/entry?key={name}"), "").await.is(204);
    }
    let listed = served.key_store().await.list().await.expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].as_ref().expect("a record that can be read").id.to_string(), id);
    served.ask(&key, GET, "").await.is(404);
}

#[tokio::test]
async fn every_route_wants_a_key_but_those_that_say_whether_it_lives() {
    let served = Served::with_keys().await;
    let host = [("Host", "gateway.example"), ("Content-Type", "application/json")];
    for line in [
        "GET /v1/operations/data?key=k",
        "POST /v1/operations/data",
        "DELETE /v1/operations/data?key=k",
        "GET /v1/kv/cache/entry?key=k",
        "POST /v1/attempt/cache/get",
        "GET /metrics",
        "GET /no/such/path",
    ] {
        served.send(line, &host, b"").await.is(401);
    }
    served.send("GET /healthz", &host, b"").await.is(200);
    let ready = served.send("GET /readyz", &host, b"").await.is(200);
    assert_eq!(ready.text(), r#"{"ready":true}"#);
}

#[tokio::test]
async fn a_key_does_what_it_may_and_nothing_else() {
    let served = Served::with_keys().await;
    let lines = [
        (Permission::Read, "GET /v1/operations/data?key=k", "", 404),
        (Permission::Write, "POST /v1/operations/data", r#"{"key":"k","value":1}"#, 200),
        (Permission::Delete, "DELETE /v1/operations/data?key=k", "", 200),
        (Permission::Scan, "GET /v1/operations/data?prefix=k", "", 200),
    ];
    let mut keys = Vec::new();
    for (permission, ..) in lines {
        keys.push((permission, served.key(Grant::new([permission])).await));
    }
    for (needed, line, body, status) in lines {
        for (has, key) in &keys {
            let expected = if *has == needed { status } else { 403 };
            served.store(STORE).await.delete("k").await.expect("a delete");
            let reply = served.ask(key, line, body).await;
            assert_eq!(reply.status, expected, "{line} with {has:?}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn a_binding_that_is_not_the_keys_is_as_one_that_is_not_there() {
    let served = Served::with_keys().await;
    let key = served.key(everything().bindings([STORE])).await;
    let other = served.key(everything().bindings([OTHER])).await;
    served.store(OTHER).await.put("k", "secret", larder::PutOptions::new()).await.expect("a put");
    let foreign = served.ask(&key, &format!("GET /v1/kv/{OTHER}/entry?key=k"), "").await.is(404);
    let missing = served.ask(&key, "GET /v1/kv/nowhere/entry?key=k", "").await.is(404);
    assert_eq!(foreign.said(), missing.said());
    served.ask(&other, "GET /v1/operations/data?key=k", "").await.is(404);
}

#[tokio::test]
async fn only_a_key_that_reaches_everything_sees_metrics() {
    let served = Served::with_keys().await;
    let tenant = served.key(everything().namespace("tenant")).await;
    let partial = served.key(everything().bindings([STORE])).await;
    let whole = served.key(Grant::new([Permission::Read])).await;
    served.ask(&tenant, "GET /metrics", "").await.is(403);
    served.ask(&partial, "GET /metrics", "").await.is(403);
    // This process collects none.
    served.ask(&whole, "GET /metrics", "").await.is(404);
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_the_bound() {
    let served = Served::with_keys().await;
    let key = served.key(everything()).await;
    served.ask(&key, GET, "").await.is(404);
    let id = ApiKey::parse(&key).expect("a key").id();
    served.key_store().await.revoke(id).await.expect("it is revoked");
    let revoked = Instant::now();
    while served.ask(&key, GET, "").await.status != 401 {
        assert!(revoked.elapsed() < REVOKED_WITHIN, "it is still good");
    }
}

/// Half of the answers are faster than this.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_nobody_has_takes_as_long_as_a_wrong_secret() {
    let served = Served::with_keys().await;
    let key = served.key(everything()).await;
    served.ask(&key, GET, "").await.is(404);
    let stranger = ApiKey::generate().expose();
    // The id of a key that is there, with the secret of another.
    let wrong = format!("{}{}", &key[..20], &stranger[20..]);
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..400 {
        for (key, times) in [(&wrong, &mut known), (&stranger, &mut unknown)] {
            let begun = Instant::now();
            served.ask(key, GET, "").await.is(401);
            times.push(begun.elapsed());
        }
    }
    let (known, unknown) = (median(known), median(unknown));
    let far = known.max(unknown) - known.min(unknown);
    assert!(
        far < known.min(unknown) / 4,
        "{known:?} for an id that is there, {unknown:?} for one that is not"
    );
}
