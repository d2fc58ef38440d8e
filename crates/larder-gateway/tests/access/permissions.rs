//! Each route takes the permissions that it says, and no fewer.

use larder_gateway::{Grant, Permission};

use crate::served::{STORE, Served};

const ALL: [Permission; 4] = [Permission::Read, Permission::Write, Permission::Delete, Permission::Scan];

/// The routes for data, with what each takes.
const ROUTES: &[(&str, &str, &[Permission])] = &[
    ("GET /v1/operations/data?key=k", "", &[Permission::Read]),
    ("GET /v1/operations/data?prefix=k", "", &[Permission::Scan]),
    ("POST /v1/operations/data", r#"{"key":"k","value":1}"#, &[Permission::Write]),
    ("DELETE /v1/operations/data?key=k", "", &[Permission::Delete]),
    ("GET /v1/kv/cache/entry?key=k", "", &[Permission::Read]),
    ("HEAD /v1/kv/cache/entry?key=k", "", &[Permission::Read]),
    ("PUT /v1/kv/cache/entry?key=k", "1", &[Permission::Write]),
    ("DELETE /v1/kv/cache/entry?key=k", "", &[Permission::Delete]),
    ("POST /v1/kv/cache/touch", r#"{"key":"k","ttlMillis":60000}"#, &[Permission::Write]),
    ("POST /v1/kv/cache/increment", r#"{"key":"k","delta":1}"#, &[Permission::Read, Permission::Write]),
    ("POST /v1/kv/cache/get-many", r#"{"keys":["k"]}"#, &[Permission::Read]),
    ("POST /v1/kv/cache/put-many", r#"{"entries":[{"key":"k","value":"1"}]}"#, &[Permission::Write]),
    ("POST /v1/kv/cache/delete-many", r#"{"keys":["k"]}"#, &[Permission::Delete]),
    ("GET /v1/kv/cache/scan?prefix=k", "", &[Permission::Scan]),
    ("GET /v1/kv/cache/stream?prefix=k", "", &[Permission::Scan]),
];

#[tokio::test]
async fn a_route_takes_its_permissions_and_no_fewer() {
    let served = Served::with_keys().await;
    let store = served.store(STORE).await;
    // A gateway knows the keys that were there when it first looked.
    let mut keys = Vec::new();
    for (_, _, needed) in ROUTES {
        let enough = served.key(Grant::new(needed.iter().copied())).await;
        let mut short = Vec::new();
        for lacked in *needed {
            short.push(served.key(Grant::new(ALL.into_iter().filter(|one| one != lacked))).await);
        }
        keys.push((enough, short));
    }
    for ((line, body, _), (enough, short)) in ROUTES.iter().zip(&keys) {
        store.put("k", "1", larder::PutOptions::new()).await.expect("a put");
        let before = store.get_entry("k").await.expect("a get").expect("an entry");
        for key in short {
            let reply = served.ask(key, line, body).await.is(403);
            assert!(
                reply.json_or_nothing().is_none_or(|said| said["error"] == "FORBIDDEN"),
                "{line}: {reply:?}"
            );
        }
        let after = store.get_entry("k").await.expect("a get").expect("an entry");
        assert_eq!(after.version(), before.version(), "{line} did something all the same");
        let reply = served.ask(enough, line, body).await;
        assert!((200..300).contains(&reply.status), "{line}: {reply:?}");
    }
}

#[test]
fn no_route_for_data_is_left_out() {
    let document = serde_json::to_value(larder_gateway::document()).expect("JSON");
    let mut described: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        if path.starts_with("/v1/kv/") || path == "/v1/operations/data" {
            let path = path.replace("{binding}", STORE);
            let methods = methods.as_object().expect("methods").keys();
            described.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
        }
    }
    let mut tried: Vec<_> = ROUTES
        .iter()
        .map(|(line, ..)| line.split('?').next().expect("a method and a path").to_owned())
        .collect();
    described.sort();
    tried.sort();
    tried.dedup();
    assert_eq!(tried, described);
}
