//! What a worker could reach if a script took it over.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::{Bench, module};

#[tokio::test]
async fn one_run_finds_nothing_of_another() {
    let bench = Bench::new();
    bench
        .returns(
            "globalThis.left = 'secret'; Object.prototype.left = 'secret'; Array.prototype.map = () => 'mine';
             JSON.stringify = () => '\"mine\"'; kv.constructor.prototype.left = 'secret'; return 1",
        )
        .await;
    let body = "return [globalThis.left === undefined, ({}).left === undefined, [1].map((x) => x + 1), JSON.stringify({})]";
    assert_eq!(bench.returns(body).await, json!([true, true, [2], "{}"]));
    assert_eq!(bench.pool.idle_workers().len(), 1, "it is the same worker");
}

/// Tells all that a script can reach: each object, what it inherits from, and each property with its flags and its value.
const WORLD: &str = "const { ownKeys, getOwnPropertyDescriptor, getPrototypeOf, isExtensible } = Reflect;
    const seen = new Map(), lines = [];
    const shown = (value) => {
        if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return String(value);
        if (!seen.has(value)) seen.set(value, seen.size);
        return `#${seen.get(value)}`;
    };
    [globalThis, kv, log, script, async function () {}, function* () {}, async function* () {}, [][Symbol.iterator](), /x/]
        .forEach(shown);
    for (const [object, id] of seen) {
        lines.push(`#${id} ${typeof object} ${shown(getPrototypeOf(object))} ${isExtensible(object)}`);
        for (const key of ownKeys(object)) {
            const { value, get, set, writable, enumerable, configurable } = getOwnPropertyDescriptor(object, key);
            const flags = [writable, enumerable, configurable].map(Number).join('');
            lines.push(`${String(key)} ${flags} ${shown(value)} ${shown(get)} ${shown(set)}`);
        }
    }
    return lines";

/// Bodies that change what they can, and end in each way that leaves the worker alive.
const CHANGES: &[&str] = &[
    "globalThis.left = 'secret'; Object.prototype.left = 'secret'; Symbol.for('left'); return 1",
    "for (const name of Object.getOwnPropertyNames(globalThis)) if (name !== 'globalThis') delete globalThis[name]",
    "for (const name of Object.getOwnPropertyNames(globalThis)) { Object.freeze(globalThis[name]);
       if (globalThis[name]?.prototype) Object.freeze(globalThis[name].prototype) }",
    "Object.setPrototypeOf(Array.prototype, null); Object.setPrototypeOf(globalThis, { left: 1 }); throw null",
    "for (const kind of [Map, Set, Promise, RegExp, Uint8Array, Date, Error, String, Number, BigInt, Symbol])
       for (const key of Reflect.ownKeys(kind.prototype)) try { kind.prototype[key] = null } catch {}",
    "Math.random = () => 4; JSON.parse = 1; Reflect.ownKeys = 2; Object.preventExtensions(globalThis); return 1",
    "const proto = Object.getPrototypeOf(async function* () {}); delete proto.constructor; proto.left = 1; return 1",
    "Promise.prototype.then = function () { return this }; for (let i = 0; i < 100; i++) Promise.reject(i); return 1",
    "new FinalizationRegistry(() => {}).register({}, 1); globalThis.left = new WeakRef({}); await null; return 1",
    "globalThis.left = Array.from({ length: 1e5 }, (_, i) => ({ [`key ${i}`]: i })); return 1",
    "const all = []; for (;;) all.push(new Uint8Array(1e6))",
    "const f = () => f() + 1; return f()",
    "const calls = []; for (let i = 0; i < 50; i++) calls.push(kv.put(`k${i}`, 'v')); throw new Error('left')",
    "await new Promise(() => {})",
    "kv.get('k').then(() => { globalThis.late = 1; throw 1 }); return 1",
    "const buffer = new ArrayBuffer(10, { maxByteLength: 1e6 }); buffer.resize(1e6); globalThis.left = buffer; return 1",
    "return 'x'.repeat(2e6)",
];

#[tokio::test]
async fn whatever_ran_before_all_that_a_script_reaches_is_as_if_nothing_had() {
    let bench = Bench::new();
    let before = bench.returns(WORLD).await;
    assert!(before.as_array().expect("a list").len() > 1_000, "{before}");
    let workers = bench.pool.idle_workers();
    for change in CHANGES {
        // What it comes to is its own affair.
        drop(bench.run(&module(change), None).await.expect("it is begun"));
        assert!(bench.returns(WORLD).await == before, "it finds something else after {change}");
        assert_eq!(bench.pool.idle_workers(), workers, "it is the same worker after {change}");
    }
}

#[tokio::test]
async fn random_numbers_are_others_in_each_run() {
    let bench = Bench::new();
    let mut all = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let numbers = bench.returns("return Array.from({ length: 10 }, Math.random)").await;
        for number in numbers.as_array().expect("a list") {
            let number = number.as_f64().expect("a number");
            assert!((0.0..1.0).contains(&number), "{number}");
            all.insert(number.to_bits());
        }
    }
    assert_eq!(all.len(), 30);
    assert_eq!(bench.pool.idle_workers().len(), 1, "it is the same worker");
    let property = "const { value, ...flags } = Object.getOwnPropertyDescriptor(Math, 'random');
        return [value.name, value.length, flags]";
    let flags = json!({ "writable": true, "enumerable": false, "configurable": true });
    assert_eq!(bench.returns(property).await, json!(["random", 0, flags]));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_that_one_run_took_is_given_back_after_it() {
    let bench = Bench::new();
    let resident = || {
        let [id] = bench.pool.idle_workers()[..] else { panic!("one worker") };
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number")
    };
    bench.returns("return 1").await;
    let before = resident();
    bench
        .returns("globalThis.all = Array.from({ length: 24 }, () => new Uint8Array(1e6).fill(7)); return 1")
        .await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 4 * 1024, "{grown} KiB more than before");
}

#[tokio::test]
async fn a_script_that_breaks_its_own_globals_breaks_nothing_else() {
    let bench = Bench::new();
    for body in [
        "Map.prototype.get = () => { throw new Error('mine') }; return await kv.get('k')",
        "Map.prototype.set = () => {}; return await kv.get('k')",
        "Promise.prototype.then = null; return await kv.exists('k')",
        "Object.freeze(Object.prototype); return await kv.exists('k')",
        "String.prototype.isWellFormed = () => { throw 1 }; return await kv.exists('k')",
        "Array.prototype[Symbol.iterator] = null; console.log('x'); return 1",
        "delete globalThis.Promise; delete globalThis.Map; return await kv.exists('k')",
    ] {
        // What it comes to is its own affair.
        drop(bench.run(&module(body), None).await.expect("it is begun"));
        assert_eq!(
            bench.returns("await kv.put('k', 'v'); return await kv.getText('k')").await,
            "v",
            "{body}"
        );
    }
}

#[tokio::test]
async fn workers_of_two_tenants_are_two_processes() {
    let bench = Bench::with(crate::support::options().workers(1));
    let run = async |tenant: &str| {
        let mut request = bench.request(&module("return 1"), None);
        request.tenant = tenant.to_owned();
        bench.pool.run(request).await.expect("it is begun").result.expect("a result");
        let [id] = bench.pool.idle_workers()[..] else { panic!("one worker") };
        id
    };
    let first = run("a").await;
    assert_eq!(run("a").await, first);
    let second = run("b").await;
    assert_ne!(second, first);
    assert_ne!(run("a").await, second);
}

/// What the kernel tells of a worker.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_worker_has_no_environment_no_files_and_few_system_calls() {
    let bench = Bench::new();
    assert!(std::env::vars().count() > 0, "there is something to hide");
    bench.returns("return 1").await;
    let [id] = bench.pool.idle_workers()[..] else { panic!("one worker") };
    let process = PathBuf::from(format!("/proc/{id}"));
    let read = |name: &str| fs::read_to_string(process.join(name)).expect(name);
    assert_eq!(read("environ"), "");
    assert_eq!(fs::read_link(process.join("cwd")).expect("a directory"), PathBuf::from("/"));
    let mut open = Vec::new();
    for entry in fs::read_dir(process.join("fd")).expect("its files") {
        let entry = entry.expect("an entry");
        let target = fs::read_link(entry.path()).expect("what is open").to_string_lossy().into_owned();
        let kind = if target.starts_with("pipe:") { "pipe".to_owned() } else { target };
        open.push((entry.file_name().into_string().expect("a number"), kind));
    }
    open.sort();
    let kinds: Vec<_> = open.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(kinds, ["pipe", "pipe", "/dev/null", "pipe", "pipe"], "{open:?}");
    let limits = read("limits");
    for (limit, most) in [("Max core file size", "0"), ("Max file size", "0"), ("Max open files", "0")] {
        let line = limits.lines().find(|line| line.starts_with(limit)).expect(limit);
        assert_eq!(
            line[limit.len()..].split_whitespace().take(2).collect::<Vec<_>>(),
            [most, most],
            "{line}"
        );
    }
    for limit in ["Max address space", "Max cpu time"] {
        let line = limits.lines().find(|line| line.starts_with(limit)).expect(limit);
        assert!(!line.contains("unlimited"), "{line}");
    }
    let status = read("status");
    let is = |line: &str| status.lines().any(|known| known.split_whitespace().eq(line.split_whitespace()));
    assert!(is("NoNewPrivs: 1") && is("Threads: 1"), "{status}");
    let confinement = bench.pool.confinement().expect("a worker");
    assert!(confinement.limits && confinement.no_new_privileges, "{confinement:?}");
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        assert!(confinement.seccomp && is("Seccomp: 2"), "{confinement:?} {status}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_worker_ends_when_its_parent_is_gone() {
    use std::time::{Duration, Instant};
    let bench = Bench::new();
    bench.returns("return 1").await;
    let [id] = bench.pool.idle_workers()[..] else { panic!("one worker") };
    let process = PathBuf::from(format!("/proc/{id}/stat"));
    assert!(process.exists());
    drop(bench);
    let began = Instant::now();
    // A zombie is one that has ended.
    while fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(began.elapsed() < Duration::from_secs(10), "it lives on");
        tokio::task::yield_now().await;
    }
}

/// Says to the process of this test that it is the parent that is killed.
#[cfg(target_os = "linux")]
const PARENT: &str = "LARDER_TEST_PARENT";
/// Long enough to kill it before it ends the run itself.
#[cfg(target_os = "linux")]
const WALL: std::time::Duration = std::time::Duration::from_secs(6);

/// The alarm alone: the worker does not look at its input, and its processor time is not yet used up.
#[cfg(target_os = "linux")]
#[test]
fn an_orphan_that_asks_for_nothing_is_ended_by_its_alarm() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use nix::sys::prctl::set_child_subreaper;
    use nix::sys::signal::Signal;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::Pid;

    if std::env::var_os(PARENT).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(begin_something_endless());
    }
    // Whose parent dies becomes a child of this process, which is told then how it ended.
    set_child_subreaper(true).expect("Linux has that");
    let name = std::thread::current().name().expect("a test has a name").to_owned();
    let mut parent = Command::new(std::env::current_exe().expect("this program"))
        .args([&name, "--exact", "--nocapture"])
        .env(PARENT, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(parent.stdout.take().expect("its output")).lines();
    let worker = lines
        .map_while(Result::ok)
        .find_map(|line| line.split_once("worker ").and_then(|(_, id)| id.parse().ok()))
        .expect("the id of the worker");
    parent.kill().expect("it is killed");
    parent.wait().expect("it has ended");
    let ended = waitpid(Pid::from_raw(worker), None).expect("it has become a child");
    assert!(matches!(ended, WaitStatus::Signaled(_, Signal::SIGALRM, _)), "{ended:?}");
}

/// Says which worker it is, once that is at work, and goes on until it is killed.
#[cfg(target_os = "linux")]
async fn begin_something_endless() {
    use larder_scripts::Limits;
    let hour = std::time::Duration::from_secs(3_600);
    let bench = Bench::with(crate::support::options().limits(Limits::new().wall(WALL).cpu(hour)));
    bench.returns("return 1").await;
    let [id] = bench.pool.idle_workers()[..] else { panic!("one worker") };
    // It never looks whether somebody is there, and may use the processor for an hour.
    let source = module("await kv.put('begun', ''); for (;;);");
    let running = bench.pool.begin(bench.request(&source, None)).await.expect("it is begun");
    while !bench.kv.exists("begun").await.expect("an answer") {
        tokio::task::yield_now().await;
    }
    println!("worker {id}");
    let report = running.end().await.expect("it was begun");
    panic!("nobody killed this process: {report:?}");
}
