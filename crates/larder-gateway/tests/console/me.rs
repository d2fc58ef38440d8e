//! `GET /v1/me`.

use larder_gateway::{Grant, GrantedBindings, Permission};
use reqwest::Method;
use serde_json::{Value, json};

use crate::run::with_keys;
use crate::support::{Answer, Server};

async fn me(server: &Server, key: &str) -> Answer {
    Answer::of(server.request(Method::GET, "/v1/me").bearer_auth(key)).await
}

#[tokio::test]
async fn without_keys_everything_is_allowed() {
    let server = Server::start().await;
    let expected = json!({
        "keyId": null,
        "namespace": null,
        "permissions": ["read", "write", "delete", "scan", "scripts:run", "scripts:write"],
        "bindings": ["main", "other"],
        "primary": "main",
        "stats": true,
    });
    assert_eq!(server.get("/v1/me").await.ok(), expected);
    server.end().await;
}

#[tokio::test]
async fn a_key_is_told_what_it_may_do_and_not_more() {
    let mut narrow = Grant::new([Permission::Scan]);
    narrow.namespace = Some("tenant-1".to_owned());
    // One that is not served is not told.
    narrow.bindings = GrantedBindings::Only(["other", "hidden"].map(str::to_owned).into());
    let (server, [narrow, whole]) = with_keys([narrow, Grant::new([Permission::Read])]).await;
    let told: Value = me(&server, &narrow).await.ok();
    let id = narrow.split('_').nth(1).expect("an id");
    let expected = json!({
        "keyId": id,
        "namespace": "tenant-1",
        "permissions": ["scan"],
        "bindings": ["other"],
        "primary": null,
        "stats": false,
    });
    assert_eq!(told, expected);
    assert_eq!(me(&server, &whole).await.ok()["stats"], true);
    me(&server, "kv_0000000000000000_AAAA").await.refused(401, "UNAUTHORIZED");
    server.end().await;
}
