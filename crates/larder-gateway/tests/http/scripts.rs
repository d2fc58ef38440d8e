//! Scripts over HTTP, in real worker processes.

use std::process::Command;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::future::join_all;
use larder::{Kv, MemoryDriver, PutOptions};
use larder_gateway::{Access, Gateway, GatewayOptions, LoopbackGuard, Scripts, Stores};
use larder_scripts::{
    Expected, Limits, Pool, PoolOptions, RunLogs, ScriptDirectory, ScriptStore, WorkerProgram,
};
use reqwest::Method;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Answer, Server, pool, pool_of};

const SCRIPTS: &str = "/v1/operations/scripts";

async fn server() -> Server {
    Server::with_scripts(Scripts::deployed(pool())).await
}

async fn deploy(server: &Server, name: &str, source: &str) -> Answer {
    let request = server.request(Method::PUT, &format!("{SCRIPTS}/{name}"));
    Answer::of(request.header("content-type", "application/javascript").body(source.to_owned())).await
}

async fn run(server: &Server, script: &str, input: Value) -> Answer {
    server.post(SCRIPTS, &json!({ "script": script, "input": input })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_is_deployed_run_listed_rolled_back_and_removed() {
    let server = server().await;
    server.get(SCRIPTS).await.ok();
    run(&server, "totals", json!(1)).await.refused(404, "SCRIPT_NOT_FOUND");
    let first = deploy(&server, "totals", "export default (input) => ({ total: input.a + input.b })").await;
    let version = first.ok()["active"].as_str().expect("a version").to_owned();
    assert_eq!(first.header("etag"), Some(format!("\"{version}\"").as_str()));
    let ran = run(&server, "totals", json!({ "a": 1, "b": 2 })).await;
    assert_eq!(ran.ok(), json!({ "total": 3 }));
    assert_eq!(ran.header("larder-script-version"), Some(version.as_str()));
    let second = deploy(&server, "totals", "export default () => 'second'").await.ok();
    assert_ne!(second["active"], json!(version));
    assert_eq!(run(&server, "totals", json!(null)).await.ok(), "second");
    deploy(&server, "input", "export default (input) => String(input)").await.ok();
    for body in [json!({ "script": "input" }), json!({ "script": "input", "input": null })] {
        assert_eq!(server.post(SCRIPTS, &body).await.ok(), "undefined");
    }
    server.delete(&format!("{SCRIPTS}/input")).await.ok();
    let listed = server.get(SCRIPTS).await.ok();
    assert_eq!(listed["items"][0]["name"], "totals");
    assert_eq!(listed["items"][0]["versions"].as_array().map(Vec::len), Some(2));
    let one = server.get(&format!("{SCRIPTS}/totals?version={version}")).await.ok();
    assert_eq!((&one["version"], &one["active"]), (&json!(version), &second["active"]));
    assert!(one["source"].as_str().expect("a source").contains("total"));
    let back = server.post(&format!("{SCRIPTS}/totals/rollback"), &json!({})).await.ok();
    assert_eq!(back["active"], json!(version));
    assert_eq!(run(&server, "totals", json!({ "a": 2, "b": 2 })).await.ok(), json!({ "total": 4 }));
    server.delete(&format!("{SCRIPTS}/totals")).await.ok();
    server.delete(&format!("{SCRIPTS}/totals")).await.refused(404, "SCRIPT_NOT_FOUND");
    run(&server, "totals", json!(1)).await.refused(404, "SCRIPT_NOT_FOUND");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_works_on_the_data_of_the_plain_api() {
    let server = server().await;
    server.post("/v1/operations/data", &json!({ "key": "user:1", "value": { "visits": 1 } })).await.ok();
    let source = "export default async ({ id }, { kv }) => {
        const user = await kv.getJson(`user:${id}`);
        user.visits += 1;
        await kv.put(`user:${id}`, user, { ttl: 60 });
        return user.visits
    }";
    deploy(&server, "visit", source).await.ok();
    assert_eq!(run(&server, "visit", json!({ "id": 1 })).await.ok(), 2);
    let entry = server.get("/v1/operations/data?key=user:1").await.ok();
    assert_eq!(entry["value"], json!({ "visits": 2 }));
    assert!(entry["expiresAt"].is_string());
    // And no script is data.
    assert_eq!(
        server.get("/v1/operations/data?prefix=").await.ok()["items"].as_array().map(Vec::len),
        Some(1)
    );
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_source_is_said_with_its_place_and_nothing_is_deployed() {
    let server = server().await;
    deploy(&server, "s", "export default () => 1").await.ok();
    let refused = deploy(&server, "s", "export default () => {\n  retrun 1\n}").await.invalid("body");
    assert_eq!(refused["details"]["line"], 2, "{refused}");
    assert!(refused["details"]["column"].as_u64() > Some(1), "{refused}");
    assert!(refused["message"].as_str().expect("text").contains("line 2"), "{refused}");
    for source in ["import x from 'fs'; export default () => x", ""] {
        deploy(&server, "s", source).await.invalid("body");
    }
    deploy(&server, "a b", "export default () => 1").await.invalid("name");
    let long = format!("//{}", "x".repeat(larder_scripts::MAX_SOURCE_BYTES));
    deploy(&server, "s", &long).await.refused(413, "PAYLOAD_TOO_LARGE");
    let request = server.request(Method::PUT, &format!("{SCRIPTS}/s")).body("1");
    Answer::of(request).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(run(&server, "s", json!(null)).await.ok(), 1);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_could_not_be_looked_at_is_503_and_not_deployed() {
    let limits = Limits::new().wall(Duration::from_millis(1));
    let program = WorkerProgram::new(env!("CARGO_BIN_EXE_gateway-script-worker"));
    let options = PoolOptions::new(program).workers(1);
    let hurried = Pool::new(options.limits(limits.cpu(Duration::from_secs(60))));
    let server = Server::with_scripts(Scripts::deployed(hurried)).await;
    let source: String = (0..6_000).map(|number| format!("const f{number} = () => [{number}];\n")).collect();
    let refused = deploy(&server, "s", &format!("{source}export default () => 1")).await;
    refused.refused(503, "UNAVAILABLE");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(server.get(SCRIPTS).await.ok()["items"], json!([]));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_whose_record_is_damaged_is_removed_and_said_to_be() {
    let kv = Kv::new(MemoryDriver::new());
    let server = Server::with_scripts_over(kv.clone(), Scripts::deployed(pool())).await;
    let records = kv.system("scripts").expect("a part");
    records.put("s", "no record", PutOptions::new()).await.expect("a put");
    run(&server, "s", json!(null)).await.refused(500, "CORRUPT");
    let listed = server.get(SCRIPTS).await.ok();
    assert_eq!(
        (&listed["items"][0]["name"], &listed["items"][0]["error"]["error"]),
        (&json!("s"), &json!("CORRUPT"))
    );
    server.delete(&format!("{SCRIPTS}/s")).await.ok();
    server.delete(&format!("{SCRIPTS}/s")).await.refused(404, "SCRIPT_NOT_FOUND");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_to_a_version_whose_source_is_damaged_is_refused() {
    let kv = Kv::new(MemoryDriver::new());
    let server = Server::with_scripts_over(kv.clone(), Scripts::deployed(pool())).await;
    let old = deploy(&server, "s", "export default () => 'old'").await.ok()["active"].clone();
    let pieces = kv.system("script-sources").expect("a part");
    let found = pieces.scan_keys_collect("s:", 10).await.expect("a scan").items;
    let [Ok(piece)] = &found[..] else { panic!("one piece: {found:?}") };
    let new = deploy(&server, "s", "export default () => 'new'").await.ok()["active"].clone();
    pieces.put(piece.key(), "something else", PutOptions::new()).await.expect("a put");
    for to in [json!({}), json!({ "version": old })] {
        server.post(&format!("{SCRIPTS}/s/rollback"), &to).await.refused(500, "CORRUPT");
    }
    let listed = server.get(SCRIPTS).await.ok();
    assert_eq!(listed["items"][0]["active"], new, "{listed}");
    assert_eq!(run(&server, "s", json!(null)).await.ok(), "new");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_may_say_from_which_version_and_is_not_undone_by_a_repeat() {
    let server = server().await;
    let old = deploy(&server, "s", "export default () => 'old'").await.ok()["active"].clone();
    let new = deploy(&server, "s", "export default () => 'new'").await.ok()["active"].clone();
    let back = |from: &Value| {
        let request = server.request(Method::POST, &format!("{SCRIPTS}/s/rollback"));
        let from = format!("\"{}\"", from.as_str().expect("a version"));
        Answer::of(request.header("if-match", from).json(&json!({})))
    };
    assert_eq!(back(&new).await.ok()["active"], old);
    let repeated = back(&new).await.refused(412, "PRECONDITION_FAILED");
    assert_eq!(repeated["details"]["active"], old, "{repeated}");
    assert_eq!(run(&server, "s", json!(null)).await.ok(), "old");
    back(&json!("nonsense")).await.invalid("If-Match");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_may_say_what_it_replaces() {
    let server = server().await;
    let version = deploy(&server, "s", "export default () => 1").await.ok()["active"].clone();
    let put = async |header: &str, value: &str, source: &'static str| {
        let request = server.request(Method::PUT, &format!("{SCRIPTS}/s")).header(header, value);
        Answer::of(request.header("content-type", "text/javascript; charset=utf-8").body(source)).await
    };
    let other = format!("\"{}\"", "0".repeat(32));
    let refused = put("if-match", &other, "export default () => 2").await.refused(412, "PRECONDITION_FAILED");
    assert_eq!(refused["details"]["active"], version);
    put("if-none-match", "*", "export default () => 2").await.refused(412, "PRECONDITION_FAILED");
    put("if-match", "*", "export default () => 2").await.invalid("If-Match");
    let active = format!("\"{}\"", version.as_str().expect("text"));
    put("if-match", &active, "export default () => 2").await.ok();
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_of_a_run_has_its_status() {
    let server = server().await;
    for (name, source, status, code) in [
        (
            "threw",
            "export default () => { console.warn('before'); throw new RangeError('too far') }",
            422,
            "SCRIPT_ERROR",
        ),
        ("none", "export const x = 1", 422, "SCRIPT_ERROR"),
        ("large", "export default () => 'x'.repeat(2e6)", 422, "SCRIPT_ERROR"),
        ("cyclic", "export default () => { const a = {}; a.a = a; return a }", 422, "SCRIPT_ERROR"),
        ("cpu", "export default () => { for (;;); }", 422, "SCRIPT_CPU_LIMIT"),
        ("native", "export default () => (7n ** 370000n).toString().length", 422, "SCRIPT_CPU_LIMIT"),
        (
            "memory",
            "export default () => { const a = []; for (;;) a.push(new Uint8Array(1e6)) }",
            422,
            "SCRIPT_MEMORY_LIMIT",
        ),
    ] {
        deploy(&server, name, source).await.ok();
        let refused = run(&server, name, json!(null)).await.refused(status, code);
        assert!(refused["details"]["logs"].is_array(), "{refused}");
        if name == "threw" {
            let details = &refused["details"];
            assert_eq!((&details["name"], &details["message"]), (&json!("RangeError"), &json!("too far")));
            assert!(details["stack"].as_str().expect("a stack").contains("threw:1:"), "{details}");
            assert_eq!(details["logs"], json!([{ "level": "warn", "text": "before" }]));
        }
    }
    let store_error = "export default async (i, { kv }) => kv.get('')";
    deploy(&server, "kv", store_error).await.ok();
    let refused = run(&server, "kv", json!(null)).await.refused(422, "SCRIPT_ERROR");
    assert_eq!(refused["details"]["code"], "INVALID_INPUT");
    for (body, field) in [
        (json!({}), "script"),
        (json!({ "script": 7 }), "script"),
        (json!({ "script": "a b" }), "script"),
        (json!({ "script": "s", "inputs": 1 }), "body"),
    ] {
        server.post(SCRIPTS, &body).await.invalid(field);
    }
    let large = json!({ "script": "kv", "input": "x".repeat(1024 * 1024) });
    server.post(SCRIPTS, &large).await.invalid("input");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_too_long_is_504_and_a_full_pool_503() {
    // Neither is reached by the processor time: they wait for the store, a call at a time.
    let source = "export default async (i, { kv }) => { for (;;) await kv.exists('k') }";
    let many = Limits::new().host_calls(u32::MAX).wall(Duration::from_millis(400));
    let program = WorkerProgram::new(env!("CARGO_BIN_EXE_gateway-script-worker"));
    let options = PoolOptions::new(program).workers(1).queue(1);
    let slow = Pool::new(options.limits(many.cpu(Duration::from_secs(60))));
    let server = Server::with_scripts(Scripts::deployed(slow)).await;
    deploy(&server, "slow", source).await.ok();
    let answers = join_all((0..4).map(|_| run(&server, "slow", json!(null)))).await;
    let (late, full): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 504);
    assert_eq!((late.len(), full.len()), (2, 2));
    late[0].refused(504, "SCRIPT_TIMEOUT");
    full[0].refused(503, "SCRIPTS_BUSY");
    assert!(full[0].header("retry-after").is_some());
    server.end().await;
}

/// A script that waits for somebody: it says that it has begun, and goes on once it is told to.
const WAITS: &str = "export default async (i, { kv }) => {
    console.log('begun');
    await kv.put('begun', '');
    while (!(await kv.exists('go on')));
    return 'done'
}";

/// Workers whose runs may wait for long, and a store that the test has a handle on.
fn patient(workers: usize) -> PoolOptions {
    let limits =
        Limits::new().host_calls(u32::MAX).wall(Duration::from_secs(60)).cpu(Duration::from_secs(60));
    let program = WorkerProgram::new(env!("CARGO_BIN_EXE_gateway-script-worker"));
    PoolOptions::new(program).workers(workers).limits(limits)
}

async fn begun(kv: &Kv) {
    while !kv.exists("begun").await.expect("an answer") {
        tokio::task::yield_now().await;
    }
}

async fn go_on(kv: &Kv) {
    kv.put("go on", "", PutOptions::new()).await.expect("a put");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_finds_no_worker_in_time_is_503() {
    let kv = Kv::new(MemoryDriver::new());
    let pool = Pool::new(patient(1).wait(Duration::from_millis(50)));
    let server = Server::with_scripts_over(kv.clone(), Scripts::deployed(pool)).await;
    deploy(&server, "waits", WAITS).await.ok();
    let (first, ()) = tokio::join!(run(&server, "waits", json!(null)), async {
        begun(&kv).await;
        let late = run(&server, "waits", json!(null)).await;
        late.refused(503, "SCRIPTS_BUSY");
        assert!(late.header("retry-after").is_some());
        go_on(&kv).await;
    });
    assert_eq!(first.ok(), "done");
    // Its place is free again.
    assert_eq!(run(&server, "waits", json!(null)).await.ok(), "done");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_waits_too_long_for_its_callers_own_is_429() {
    let kv = Kv::new(MemoryDriver::new());
    let pool = Pool::new(patient(2).wait(Duration::from_millis(50)));
    let server = Server::with_scripts_over(kv.clone(), Scripts::deployed(pool)).await;
    deploy(&server, "waits", WAITS).await.ok();
    let (first, ()) = tokio::join!(run(&server, "waits", json!(null)), async {
        begun(&kv).await;
        // One of the two workers is free.
        let late = run(&server, "waits", json!(null)).await;
        late.refused(429, "RATE_LIMITED");
        assert!(late.header("retry-after").is_some());
        go_on(&kv).await;
    });
    assert_eq!(first.ok(), "done");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_fails_its_own_run_only() {
    let kv = Kv::new(MemoryDriver::new());
    let pool = Pool::new(patient(4));
    let server = Server::with_scripts_over(kv.clone(), Scripts::deployed(pool.clone())).await;
    deploy(&server, "waits", WAITS).await.ok();
    deploy(&server, "short", "export default () => 'short'").await.ok();
    let [id] = pool.idle_workers()[..] else { panic!("one worker") };
    let (victim, other) = tokio::join!(run(&server, "waits", json!(null)), async {
        begun(&kv).await;
        assert!(pool.idle_workers().is_empty(), "it is the one that runs");
        let other = run(&server, "short", json!(null)).await;
        assert!(Command::new("kill").args(["-KILL", &id.to_string()]).status().expect("kill runs").success());
        other
    });
    let refused = victim.refused(500, "SCRIPT_CRASHED");
    assert_eq!(refused["details"]["logs"], json!([{ "level": "info", "text": "begun" }]));
    assert_eq!(other.ok(), "short");
    go_on(&kv).await;
    assert_eq!(run(&server, "waits", json!(null)).await.ok(), "done");
    let logs = server.get(&format!("{SCRIPTS}/waits/logs")).await.ok();
    assert!(logs["items"].as_array().expect("items").iter().any(|run| run["outcome"] == "crashed"), "{logs}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_logs_is_kept_when_its_caller_has_left() {
    let kv = Kv::new(MemoryDriver::new());
    let options = GatewayOptions::new(Access::Loopback(LoopbackGuard::new()));
    let options = options.scripts(Scripts::deployed(Pool::new(patient(2))));
    let stores = Stores::of_handles([("main", kv.clone())]).expect("a store");
    let gateway = Gateway::with_options(stores, options, None);
    let scripts = ScriptStore::new(&kv, None).expect("a store");
    scripts.deploy("waits", WAITS, Expected::Any).await.expect("it is deployed");
    let request = Request::post(SCRIPTS)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Body::from(json!({ "script": "waits" }).to_string()))
        .expect("a request");
    // Who leaves takes the whole of the request with it.
    tokio::select! {
        answer = gateway.router().oneshot(request) => panic!("{answer:?}"),
        () = begun(&kv) => {}
    }
    go_on(&kv).await;
    let logs = RunLogs::new(&kv, None).expect("a store");
    let kept = async {
        loop {
            if let Some(run) = logs.list("waits", 1).await.expect("an answer").pop() {
                break run.expect("a run");
            }
            tokio::task::yield_now().await;
        }
    };
    let kept = tokio::time::timeout(Duration::from_secs(30), kept).await.expect("it is kept");
    assert_eq!((kept.outcome.as_str(), kept.lines.len()), ("returned", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_ends_waits_for_the_runs_of_those_who_have_left() {
    let kv = Kv::new(MemoryDriver::new());
    let server = Server::with_scripts_over(kv.clone(), Scripts::deployed(Pool::new(patient(2)))).await;
    deploy(&server, "waits", WAITS).await.ok();
    tokio::select! {
        answer = run(&server, "waits", json!(null)) => panic!("{answer:?}"),
        () = begun(&kv) => {}
    }
    let address = server.base().replace("http://", "");
    tokio::join!(server.end(), async {
        // Once it takes nobody in any more, only the run can hold it up.
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        go_on(&kv).await;
    });
    let logs = RunLogs::new(&kv, None).expect("a store").list("waits", 1).await.expect("an answer");
    assert_eq!(logs.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_log_is_kept_the_latest_first() {
    let server = server().await;
    let source = "export default (input) => { if (input === 0) return 0; console.log('run', input); if (input === 2) throw 'no' }";
    deploy(&server, "s", source).await.ok();
    let logged = run(&server, "s", json!(1)).await;
    let id = logged.header("larder-script-run").expect("an id").to_owned();
    run(&server, "s", json!(2)).await.refused(422, "SCRIPT_ERROR");
    assert_eq!(run(&server, "s", json!(0)).await.header("larder-script-run"), None);
    let logs = server.get(&format!("{SCRIPTS}/s/logs")).await.ok();
    let items = logs["items"].as_array().expect("items");
    assert_eq!(items.len(), 2, "{logs}");
    let first = items.iter().find(|item| item["run"] == json!(id)).expect("the first run");
    assert_eq!(first["lines"], json!([{ "level": "info", "text": "run 1" }]));
    assert_eq!(first["outcome"], "returned");
    assert!(items.iter().any(|item| item["outcome"] == "threw"));
    assert_eq!(
        server.get(&format!("{SCRIPTS}/s/logs?limit=1")).await.ok()["items"].as_array().map(Vec::len),
        Some(1)
    );
    server.get(&format!("{SCRIPTS}/s/logs?limit=0")).await.invalid("limit");
    server.get(&format!("{SCRIPTS}/a.b/logs")).await.invalid("name");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_of_a_directory_change_with_their_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("s.js");
    std::fs::write(&file, "export default () => 1").expect("a file");
    std::fs::write(dir.path().join("README.md"), "no script").expect("a file");
    let directory = ScriptDirectory::open(dir.path()).expect("it is there");
    let server = Server::with_scripts(Scripts::in_directory(pool_of(1), directory)).await;
    assert_eq!(run(&server, "s", json!(null)).await.ok(), 1);
    std::fs::write(&file, "export default () => 2").expect("a file");
    assert_eq!(run(&server, "s", json!(null)).await.ok(), 2);
    std::fs::write(dir.path().join("t.mjs"), "export default () => {").expect("a file");
    let refused = run(&server, "t", json!(null)).await.refused(422, "SCRIPT_ERROR");
    assert_eq!(refused["details"]["name"], "SyntaxError");
    let names: Vec<_> = server.get(SCRIPTS).await.ok()["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(names, ["s", "t"]);
    // Neither a run nor a list tells where the files are.
    std::fs::create_dir(dir.path().join("u.js")).expect("a directory");
    std::fs::write(dir.path().join("v.js"), [0xff]).expect("a file");
    let listed = server.get(SCRIPTS).await.ok();
    for (name, status, code, why) in [
        ("u", 503, "UNAVAILABLE", "try again later"),
        ("v", 400, "VALIDATION_ERROR", "the file of the script \\\"v\\\" is no text"),
    ] {
        let refused = run(&server, name, json!(null)).await.refused(status, code);
        let item = listed["items"].as_array().expect("items").iter().find(|item| item["name"] == name);
        for said in [&refused, item.expect("it is listed")].map(Value::to_string) {
            assert!(said.contains(why) && !said.contains(dir.path().to_str().expect("text")), "{said}");
        }
    }
    std::fs::remove_dir(dir.path().join("u.js")).expect("it was there");
    std::fs::remove_file(dir.path().join("v.js")).expect("it was there");
    deploy(&server, "s", "export default () => 3").await.refused(409, "CONFLICT");
    server.delete(&format!("{SCRIPTS}/s")).await.refused(409, "CONFLICT");
    run(&server, "none", json!(null)).await.refused(404, "SCRIPT_NOT_FOUND");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_without_scripts_has_none() {
    let server = Server::start().await;
    server.get(SCRIPTS).await.refused(404, "ROUTE_NOT_FOUND");
    run(&server, "s", json!(null)).await.refused(404, "ROUTE_NOT_FOUND");
    server.end().await;
}
