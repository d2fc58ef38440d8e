//! `larder script`, and a gateway that runs scripts.

use std::fs;

use serde_json::{Value, json};

use crate::serving::Serving;
use crate::support::Shell;

const TOTALS: &str = "export default async ({ a, b }, { kv }) => {
  console.log('adding', a, b);
  await kv.put('total', a + b);
  return { total: a + b };
}";

fn write(shell: &Shell, file: &str, source: &str) {
    fs::write(shell.path().join(file), source).expect("a file");
}

#[test]
fn a_script_is_deployed_run_and_rolled_back() {
    let shell = Shell::new();
    write(&shell, "totals.js", TOTALS);
    let first = shell.done(&["script", "deploy", "totals", "totals.js"]).trim().to_owned();
    assert_eq!(first.len(), 32, "{first}");
    let ran = shell.run(&["script", "run", "totals", "{\"a\":1,\"b\":2}"]);
    assert!(ran.errors.contains("adding 1 2"), "{ran:?}");
    assert_eq!(ran.done(), "{\"total\":3}\n");
    assert_eq!(shell.done(&["get", "total"]), "3");
    assert_eq!(
        shell.run_with(&["script", "run", "totals", "-"], b"{\"a\":2,\"b\":2}").done(),
        "{\"total\":4}\n"
    );

    write(&shell, "input.js", "export default (input) => String(input)");
    shell.done(&["script", "deploy", "input", "input.js"]);
    for input in [&[][..], &["null"], &[" null "]] {
        let arguments = [&["script", "run", "input"][..], input].concat();
        assert_eq!(shell.done(&arguments), "\"undefined\"\n");
    }
    shell.done(&["script", "delete", "input"]);

    write(&shell, "totals.js", "export default () => 'second'");
    let second = shell.done(&["script", "deploy", "totals", "totals.js"]).trim().to_owned();
    assert_eq!(shell.done(&["script", "run", "totals"]), "\"second\"\n");
    let listed = shell.done(&["script", "list"]);
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').take(3).collect()).collect();
    assert_eq!(lines, [["totals", &second, "yes"], ["totals", &first, "no"]]);
    shell
        .run(&["script", "deploy", "totals", "totals.js", "--if-active", &first])
        .failed(4, "the active version is");
    assert_eq!(shell.done(&["script", "rollback", "totals", "--if-active", &second]).trim(), first);
    shell.run(&["script", "rollback", "totals", "--if-active", &second]).failed(4, "the active version is");
    assert_eq!(shell.done(&["script", "rollback", "totals"]).trim(), second);
    assert_eq!(shell.done(&["script", "rollback", "totals"]).trim(), first);
    assert_eq!(shell.done(&["script", "rollback", "totals", "--to", &second]).trim(), second);
    let listed: Value = serde_json::from_str(&shell.done(&["script", "list", "-o", "json"])).expect("JSON");
    assert_eq!(listed["scripts"][0]["active"], json!(second));

    shell.done(&["script", "delete", "totals"]);
    for arguments in
        [&["script", "delete", "totals"][..], &["script", "run", "totals"], &["script", "rollback", "totals"]]
    {
        shell.run(arguments).failed(3, "there is no such script");
    }
    // The scripts are gone, and data of the store they never were.
    assert_eq!(shell.done(&["scan"]).lines().count(), 1);
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_makes_no_store() {
    let shell = Shell::new();
    write(&shell, "wrong.js", "export default () => {\n  retrun 1\n}");
    shell.run(&["script", "deploy", "a b", "wrong.js"]).failed(2, "the name of the script");
    shell.run(&["script", "deploy", "s", "none.js"]).failed(1, "none.js");
    write(&shell, "long.js", &"x".repeat(300_000));
    shell.run(&["script", "deploy", "s", "long.js"]).failed(2, "262144");
    assert!(!shell.path().join(".larder").exists());
    shell.run(&["script", "deploy", "s", "wrong.js"]).failed(2, "wrong.js:2:");
    assert_eq!(shell.done(&["script", "list"]), "");
    write(&shell, "throws.js", "export default () => { throw new RangeError('too far') }");
    shell.done(&["script", "deploy", "throws", "throws.js"]);
    shell.run(&["script", "run", "throws"]).failed(1, "RangeError: too far");
    shell.run(&["script", "run", "throws", "{no json"]).failed(2, "no JSON");
    write(&shell, "endless.js", "export default () => { for (;;); }");
    shell.done(&["script", "deploy", "endless", "endless.js"]);
    shell.run(&["script", "run", "endless"]).failed(1, "processor time");
    shell.run(&["script-worker"]).done();
}

#[test]
fn what_runs_logged_is_printed_the_last_at_the_end() {
    let shell = Shell::new();
    write(
        &shell,
        "s.js",
        "export default (n) => { console.warn(`run ${n}\\u001b[31m`); if (n > 1) throw new Error('no') }",
    );
    shell.done(&["script", "deploy", "s", "s.js"]);
    shell.run(&["script", "run", "s", "1"]).done();
    shell.run(&["script", "run", "s", "2"]).failed(1, "Error: no");
    let logs = shell.done(&["script", "logs", "s"]);
    let lines: Vec<&str> = logs.lines().collect();
    assert_eq!(lines.len(), 4, "{logs}");
    assert!(lines[0].contains("returned") && lines[1].contains("warn run 1"), "{logs}");
    assert!(lines[2].contains("threw") && lines[3].contains("warn run 2"), "{logs}");
    assert!(!logs.contains('\u{1b}'), "{logs:?}");
    let last = shell.done(&["script", "logs", "s", "--limit", "1", "-o", "ndjson"]);
    let last: Value = serde_json::from_str(last.trim()).expect("a line of JSON");
    assert_eq!(last["lines"][0]["text"], "run 2\u{1b}[31m");
    assert_eq!(shell.done(&["script", "logs", "none"]), "");
}

#[test]
fn a_namespace_has_scripts_of_its_own() {
    let shell = Shell::new();
    write(&shell, "s.js", "export default async (input, { kv }) => { await kv.put('k', 'v'); return 1 }");
    shell.done(&["script", "deploy", "s", "s.js", "--namespace", "tenant"]);
    assert_eq!(shell.done(&["script", "list"]), "");
    shell.run(&["script", "run", "s"]).failed(3, "there is no such script");
    shell.done(&["script", "run", "s", "--namespace", "tenant"]);
    assert_eq!(shell.done(&["get", "tenant:k"]), "v");
    shell.run(&["script", "list", "--namespace", "a b"]).failed(2, "resource id");
}

#[test]
fn a_gateway_runs_what_was_deployed_and_ends_with_its_workers() {
    let shell = Shell::new();
    write(&shell, "totals.js", TOTALS);
    shell.done(&["script", "deploy", "totals", "totals.js"]);
    let serving = Serving::start(&shell, &["--listen", "127.0.0.1:0"]);
    let json = [("Content-Type", "application/json")];
    let run = "POST /v1/operations/scripts";
    let ran = serving.ask(run, &json, r#"{"script":"totals","input":{"a":20,"b":22}}"#);
    assert_eq!(ran, (200, r#"{"total":42}"#.to_owned()));
    let put = serving.ask(
        "PUT /v1/operations/scripts/other",
        &[("Content-Type", "application/javascript")],
        "export default () => crypto.randomUUID().length",
    );
    assert_eq!(put.0, 200, "{put:?}");
    assert_eq!(serving.ask(run, &json, r#"{"script":"other"}"#), (200, "36".to_owned()));
    serving.terminate();
    assert!(serving.ended().status.success());
    assert!(shell.done(&["script", "logs", "totals"]).contains("adding 20 22"));
}

#[test]
fn a_directory_of_scripts_is_read_at_each_run() {
    let shell = Shell::new();
    fs::create_dir(shell.path().join("scripts")).expect("a directory");
    write(&shell, "scripts/s.js", "export default () => 1");
    let serving = Serving::start(
        &shell,
        &["--listen", "127.0.0.1:0", "--scripts-dir", "scripts", "--script-workers", "1"],
    );
    let json = [("Content-Type", "application/json")];
    let run = || serving.ask("POST /v1/operations/scripts", &json, r#"{"script":"s"}"#);
    assert_eq!(run(), (200, "1".to_owned()));
    write(&shell, "scripts/s.js", "export default () => 2");
    assert_eq!(run(), (200, "2".to_owned()));
    shell
        .run(&["serve", "--listen", "127.0.0.1:0", "--scripts-dir", "none"])
        .failed(1, "none is no directory");
    let without = Shell::new();
    let serving = Serving::start(&without, &["--listen", "127.0.0.1:0", "--script-workers", "0"]);
    let ran = serving.ask("POST /v1/operations/scripts", &json, r#"{"script":"s"}"#);
    assert!(ran.0 == 404 && ran.1.contains("runs no scripts"), "{ran:?}");
}

/// A gateway that has run a script, and so has a worker.
#[cfg(target_os = "linux")]
fn serving_after_a_run(shell: &Shell) -> Serving {
    write(shell, "s.js", "export default () => 1");
    shell.done(&["script", "deploy", "s", "s.js"]);
    let serving = Serving::start(shell, &["--listen", "127.0.0.1:0"]);
    let json = [("Content-Type", "application/json")];
    assert_eq!(serving.ask("POST /v1/operations/scripts", &json, r#"{"script":"s"}"#).0, 200);
    serving
}

#[cfg(target_os = "linux")]
#[test]
fn a_gateway_that_is_killed_leaves_no_workers() {
    let shell = Shell::new();
    let serving = serving_after_a_run(&shell);
    let parent = serving.id();
    let workers = children(parent);
    assert_eq!(workers.len(), 1, "{workers:?}");
    // Killed, not terminated: nobody tells the workers anything.
    drop(serving);
    let began = std::time::Instant::now();
    while fs::read_to_string(format!("/proc/{}/stat", workers[0])).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "the worker lives on");
        std::thread::yield_now();
    }
}

/// Its limit is as much more as a run may need: whatever addresses it has at first, a script could use.
#[cfg(target_os = "linux")]
#[test]
fn a_worker_is_limited_to_little_more_than_the_program_itself() {
    let shell = Shell::new();
    let serving = serving_after_a_run(&shell);
    let worker = children(serving.id())[0];
    let limits = fs::read_to_string(format!("/proc/{worker}/limits")).expect("it runs");
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space")).expect("a limit");
    let limit: u64 = limit.split_whitespace().next().and_then(|soft| soft.parse().ok()).expect("a number");
    let program = fs::metadata(env!("CARGO_BIN_EXE_larder")).expect("the program").len();
    // An allocator that asks for a gigabyte at once would lift it beyond that.
    assert!(limit < program + 512 * 1024 * 1024, "{limit} bytes, of a program of {program}");
}

/// The processes that a process has started.
#[cfg(target_os = "linux")]
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1) == Some(parent.to_string().as_str())
    })
    .collect()
}
