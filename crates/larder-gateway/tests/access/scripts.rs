//! Who may deploy and run scripts, and what these reach.

use larder::PutOptions;
use larder_gateway::{GatewayOptions, Grant, Permission, Scripts, ServeOptions};
use larder_scripts::{Limits, Pool, PoolOptions, WorkerProgram};

use crate::served::{STORE, Served, keys};
use crate::wire::Reply;

const RUN: &str = "POST /v1/operations/scripts";

async fn served() -> Served {
    served_by(options()).await
}

fn options() -> PoolOptions {
    let program = WorkerProgram::new(env!("CARGO_BIN_EXE_gateway-script-worker"));
    let limits = Limits::new().wall(std::time::Duration::from_secs(20));
    PoolOptions::new(program).workers(2).limits(limits)
}

async fn served_by(options: PoolOptions) -> Served {
    let pool = Pool::new(options);
    let options =
        |context: &larder::Context| GatewayOptions::new(keys(context)).scripts(Scripts::deployed(pool));
    Served::start(options, ServeOptions::new()).await
}

async fn deploy(served: &Served, key: &str, name: &str, source: &str) -> Reply {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("Host", "gateway.example"),
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/javascript"),
    ];
    served.send(&format!("PUT /v1/operations/scripts/{name}"), &headers, source.as_bytes()).await
}

#[tokio::test]
async fn deploying_and_running_take_permissions_of_their_own() {
    let served = served().await;
    let data = [Permission::Read, Permission::Write, Permission::Delete, Permission::Scan];
    let (neither, runner, writer) = (
        served.key(Grant::new(data)).await,
        served.key(Grant::new([Permission::ScriptsRun])).await,
        served.key(Grant::new([Permission::ScriptsWrite])).await,
    );
    for key in [&neither, &runner] {
        deploy(&served, key, "s", "export default () => 1").await.is(403);
        for line in [
            "GET /v1/operations/scripts/s",
            "DELETE /v1/operations/scripts/s",
            "GET /v1/operations/scripts/s/logs",
        ] {
            served.ask(key, line, "").await.is(403);
        }
        served.ask(key, "POST /v1/operations/scripts/s/rollback", "{}").await.is(403);
    }
    deploy(&served, &writer, "s", "export default () => 1").await.is(200);
    for key in [&neither, &writer] {
        served.ask(key, RUN, r#"{"script":"s"}"#).await.is(403);
        served.ask(key, "GET /v1/operations/scripts", "").await.is(403);
    }
    served.ask(&runner, RUN, r#"{"script":"s"}"#).await.is(200);
    served.ask(&runner, "GET /v1/operations/scripts", "").await.is(200);
}

#[tokio::test]
async fn a_script_may_with_data_what_its_caller_may() {
    let served = served().await;
    let writer = served.key(Grant::new([Permission::ScriptsWrite])).await;
    let source = "export default async (input, { kv }) => {
        const acts = [() => kv.get('k'), () => kv.put('k', 1), () => kv.delete('x'), () => kv.scanPage('')];
        const seen = [];
        for (const act of acts) { try { await act(); seen.push('done') } catch (error) { seen.push(error.code) } }
        return seen.join(' ')
    }";
    let mut runners = Vec::new();
    for (permission, seen) in [
        (None, "FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN"),
        (Some(Permission::Read), "done FORBIDDEN FORBIDDEN FORBIDDEN"),
        (Some(Permission::Write), "FORBIDDEN done FORBIDDEN FORBIDDEN"),
        (Some(Permission::Delete), "FORBIDDEN FORBIDDEN done FORBIDDEN"),
        (Some(Permission::Scan), "FORBIDDEN FORBIDDEN FORBIDDEN done"),
    ] {
        let key = served.key(Grant::new([Permission::ScriptsRun].into_iter().chain(permission))).await;
        runners.push((key, seen));
    }
    // After the keys: the gateway has all of them when it first looks.
    deploy(&served, &writer, "s", source).await.is(200);
    for (key, seen) in runners {
        let reply = served.ask(&key, RUN, r#"{"script":"s"}"#).await.is(200);
        assert_eq!(reply.text(), format!("{seen:?}"));
    }
}

#[tokio::test]
async fn a_tenant_has_its_own_scripts_and_they_reach_its_own_data() {
    let served = served().await;
    let tenant = async |name: &str| served.key(Grant::new(Permission::ALL).namespace(name)).await;
    let (a, b) = (tenant("a").await, tenant("b").await);
    let store = served.store(STORE).await;
    for key in ["a:own", "b:own", "own", "secret"] {
        store.put(key, key, PutOptions::new()).await.expect("a put");
    }
    let source = "export default async (input, { kv }) => {
        const keys = [];
        for await (const { key } of kv.scan('')) keys.push(key);
        return [keys, await kv.getText('own'), await kv.exists('b:own'), await kv.exists('secret')]
    }";
    deploy(&served, &a, "s", source).await.is(200);
    let reply = served.ask(&a, RUN, r#"{"script":"s"}"#).await.is(200);
    assert_eq!(reply.text(), r#"[["own"],"a:own",false,false]"#);
    served.ask(&b, RUN, r#"{"script":"s"}"#).await.is(404);
    served.ask(&b, "GET /v1/operations/scripts/s", "").await.is(404);
    served.ask(&b, "GET /v1/operations/scripts/s/logs", "").await.is(200);
    served.ask(&b, "DELETE /v1/operations/scripts/s", "").await.is(404);
    let listed = served.ask(&b, "GET /v1/operations/scripts", "").await.is(200);
    assert_eq!(listed.text(), r#"{"items":[]}"#);
    served.ask(&a, RUN, r#"{"script":"s"}"#).await.is(200);
}

#[tokio::test]
async fn a_key_with_as_many_runs_as_it_may_have_is_429_and_another_is_not() {
    let wall = std::time::Duration::from_secs(60);
    let limits = Limits::new().wall(wall).cpu(wall).host_calls(u32::MAX);
    let served = served_by(options().per_caller(1).limits(limits)).await;
    let (busy, other) =
        (served.key(Grant::new(Permission::ALL)).await, served.key(Grant::new(Permission::ALL)).await);
    let waits = "export default async (i, { kv }) => {
        await kv.put('begun', '');
        while (!(await kv.exists('go on')));
        return 'done'
    }";
    deploy(&served, &busy, "waits", waits).await.is(200);
    deploy(&served, &busy, "short", "export default () => 'short'").await.is(200);
    let store = served.store(STORE).await;
    let (first, ()) = tokio::join!(served.ask(&busy, RUN, r#"{"script":"waits"}"#), async {
        while !store.exists("begun").await.expect("an answer") {
            tokio::task::yield_now().await;
        }
        let refused = served.ask(&busy, RUN, r#"{"script":"short"}"#).await;
        assert_eq!((refused.status, &refused.json()["error"]), (429, &"RATE_LIMITED".into()));
        assert!(refused.header("retry-after").is_some());
        assert_eq!(served.ask(&other, RUN, r#"{"script":"short"}"#).await.is(200).text(), "\"short\"");
        store.put("go on", "", PutOptions::new()).await.expect("a put");
    });
    assert_eq!(first.is(200).text(), "\"done\"");
    served.ask(&busy, RUN, r#"{"script":"short"}"#).await.is(200);
}
