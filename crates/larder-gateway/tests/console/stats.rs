//! `GET /v1/stats`.

use larder_gateway::{Grant, GrantedBindings, Permission};
use reqwest::Method;

use crate::run::with_keys;
use crate::support::{Answer, Server};

async fn stats(server: &Server, key: &str) -> Answer {
    Answer::of(server.request(Method::GET, "/v1/stats").bearer_auth(key)).await
}

#[tokio::test]
async fn only_who_reaches_everything_sees_everybodys_requests() {
    let mut tenant = Grant::new(Permission::ALL);
    tenant.namespace = Some("tenant-1".to_owned());
    let mut few = Grant::new(Permission::ALL);
    few.bindings = GrantedBindings::Only(["main".to_owned()].into());
    let (server, [tenant, few, whole]) = with_keys([tenant, few, Grant::new([Permission::Read])]).await;
    for key in [&tenant, &few] {
        stats(&server, key).await.refused(403, "FORBIDDEN");
    }
    assert!(stats(&server, &whole).await.ok()["seconds"].is_array());
    server.get("/v1/stats").await.refused(401, "UNAUTHORIZED");
    server.end().await;
}

#[tokio::test]
async fn requests_are_told_when_their_second_is_over() {
    let server = Server::start().await;
    server.put("/v1/kv/main/entry?key=k", "1").await.ok();
    server.get("/v1/kv/main/entry?key=nothing").await.refused(404, "NOT_FOUND");
    server.get("/v1/kv/main/entry").await.invalid("key");
    // Asking is not counted: however often that is, there are three requests.
    let seconds = loop {
        let seconds = server.get("/v1/stats").await.ok()["seconds"].as_array().expect("seconds").clone();
        if seconds.iter().map(|second| second["requests"].as_u64().expect("a number")).sum::<u64>() == 3 {
            break seconds;
        }
    };
    let sum = |name: &str| seconds.iter().map(|second| second[name].as_u64().expect("a number")).sum::<u64>();
    assert_eq!((sum("clientErrors"), sum("serverErrors")), (1, 0));
    let busy = seconds.iter().find(|second| second["requests"] != 0).expect("a busy second");
    assert!(busy["p50Micros"].as_u64() <= busy["p99Micros"].as_u64() && busy["p50Micros"].is_u64(), "{busy}");
    let last = seconds.last().expect("a second")["at"].as_u64().expect("a number");
    let later = server.get(&format!("/v1/stats?after={last}")).await.ok();
    let later = later["seconds"].as_array().expect("seconds").clone();
    assert!(later.iter().all(|second| second["at"].as_u64() > Some(last)), "{later:?}");
    for after in ["-1", "253402300800", "now"] {
        server.get(&format!("/v1/stats?after={after}")).await.invalid("after");
    }
    server.end().await;
}
