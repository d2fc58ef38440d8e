//! What scripts are, and what they are given.

use larder_scripts::Failure;
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn a_script_gets_its_input_and_returns_json() {
    let bench = Bench::new();
    let body = "return { sum: input.a + input.b, script, text: `é ${input.a}` }";
    let returned = bench.returns_of(body, Some(json!({ "a": 1, "b": 2 }))).await;
    assert_eq!(returned, json!({ "sum": 3, "script": { "name": "test", "version": "v1" }, "text": "é 1" }));
    assert_eq!(bench.returns("return input === undefined").await, true);
    assert_eq!(bench.returns("").await, json!(null));
    assert_eq!(bench.returns("return () => 1").await, json!(null));
}

#[tokio::test]
async fn a_function_need_not_be_async_and_a_module_may_await_at_its_top() {
    let bench = Bench::new();
    let source = "const two = await Promise.resolve(2); export default (input) => two * input";
    let report = bench.run(source, Some(json!(21))).await.expect("it is begun");
    assert_eq!(report.result.expect("a result").get(), "42");
}

#[tokio::test]
async fn a_module_without_a_function_says_what_to_write() {
    let bench = Bench::new();
    for source in ["export const x = 1", "export default 7", "1"] {
        let report = bench.run(source, None).await.expect("it is begun");
        let Err(Failure::Threw(thrown)) = report.result else { panic!("{source}") };
        assert_eq!(thrown.name, "TypeError");
        assert!(thrown.message.contains("export default"), "{}", thrown.message);
    }
}

#[tokio::test]
async fn what_is_thrown_is_told_with_its_place() {
    let bench = Bench::new();
    let thrown = bench.throws("const f = () => { throw new RangeError('too far') };\nf()").await;
    assert_eq!((thrown.name.as_str(), thrown.message.as_str()), ("RangeError", "too far"));
    assert!(thrown.stack.contains("test:2:"), "{}", thrown.stack);
    assert_eq!(thrown.code, None);
    let thrown = bench.throws("throw 'text'").await;
    assert_eq!((thrown.name.as_str(), thrown.message.as_str()), ("", "text"));
    let thrown = bench.throws("throw { code: 'E7' }").await;
    assert_eq!(thrown.code.as_deref(), Some("E7"));
    let thrown = bench.throws("await new Promise(() => {})").await;
    assert!(thrown.message.contains("nothing settles"), "{}", thrown.message);
}

#[tokio::test]
async fn a_syntax_error_has_a_line_and_a_column() {
    let bench = Bench::new();
    for (source, line) in [
        ("export default function () {\n  return 1 +;\n}", 2),
        ("let a = 1;\nlet a = 2;\nexport default () => a", 2),
        ("export default async function (", 1),
    ] {
        let checked = bench.pool.check(bench.request(source, None)).await.expect("it is begun");
        let error = checked.expect_err(source);
        assert_eq!(error.line, line, "{error:?}");
        assert!(error.column > 0 && !error.message.is_empty(), "{error:?}");
        let report = bench.run(source, None).await.expect("it is begun");
        assert!(matches!(report.result, Err(Failure::Syntax(_))), "{source}");
    }
    let good = bench.request("export default () => 1", None);
    assert_eq!(bench.pool.check(good).await.expect("it is begun"), Ok(()));
    let import = bench.request("import x from 'fs'; export default () => x", None);
    assert!(bench.pool.check(import).await.expect("it is begun").is_err());
}

#[tokio::test]
async fn nothing_is_there_that_reaches_out_or_makes_code_of_text() {
    let bench = Bench::new();
    let absent = "return ['fetch', 'setTimeout', 'process', 'require', 'Deno', 'std', 'os', 'performance', 'WebAssembly']\
                  .filter((name) => name in globalThis)";
    assert_eq!(bench.returns(absent).await, json!([]));
    for body in [
        "return eval('1')",
        "return (0, eval)('1')",
        "return new Function('return 1')()",
        "return (async () => {}).constructor('return 1')()",
        "return (function* () {}).constructor('return 1')().next()",
        "return import('fs')",
        "return import('data:text/javascript,export default 1')",
    ] {
        bench.throws(body).await;
    }
}

#[tokio::test]
async fn what_is_logged_is_kept_with_its_level_up_to_a_limit() {
    let bench = Bench::new();
    let body = "console.log('a', 1, { b: [2] }, null, undefined); log('plain'); log.warn(new Error('e')); console.error('\\ud800');\
                console.debug(1n)";
    let source = crate::support::module(body);
    let report = bench.run(&source, None).await.expect("it is begun");
    report.result.expect("a result");
    let lines: Vec<_> = report.logs.iter().map(|line| (line.level.as_str(), line.text.as_str())).collect();
    assert_eq!(
        lines,
        [
            ("info", "a 1 {\"b\":[2]} null undefined"),
            ("info", "plain"),
            ("warn", "Error: e"),
            ("error", "\u{fffd}"),
            ("debug", "1"),
        ]
    );
    assert!(!report.logs_cut);
    let source = crate::support::module("for (let i = 0; i < 5000; i++) console.log('x'.repeat(99))");
    let report = bench.run(&source, None).await.expect("it is begun");
    let kept: usize = report.logs.iter().map(|line| line.text.len() + 1).sum();
    assert!(report.logs_cut && kept <= larder_scripts::MAX_LOG_BYTES + 1, "{kept}");
    assert!(kept > larder_scripts::MAX_LOG_BYTES - 200, "{kept}");
}

#[tokio::test]
async fn a_log_that_is_full_to_the_last_byte_is_cut_by_the_next_line() {
    let bench = Bench::new();
    for (more, lines, is_cut) in
        [("", 2, false), ("console.log('lost')", 2, true), ("console.log(''); console.log('lost')", 2, true)]
    {
        let source = crate::support::module(&format!(
            "console.log('x'.repeat(99)); console.log('x'.repeat({})); {more}",
            larder_scripts::MAX_LOG_BYTES - 101
        ));
        let report = bench.run(&source, None).await.expect("it is begun");
        report.result.expect("a result");
        assert_eq!(
            report.logs.iter().map(|line| line.text.len() + 1).sum::<usize>(),
            larder_scripts::MAX_LOG_BYTES
        );
        assert_eq!((report.logs.len(), report.logs_cut), (lines, is_cut), "{more}");
    }
}

#[tokio::test]
async fn random_ids_are_of_version_4_and_never_the_same() {
    let bench = Bench::new();
    let ids = bench.returns("return Array.from({ length: 100 }, () => crypto.randomUUID())").await;
    let ids: std::collections::BTreeSet<_> =
        ids.as_array().expect("a list").iter().map(|id| id.as_str().expect("text")).collect();
    assert_eq!(ids.len(), 100);
    for id in ids {
        assert!(id.len() == 36 && id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19]), "{id}");
    }
}

#[tokio::test]
async fn no_input_and_null_are_undefined() {
    let bench = Bench::new();
    for (input, expected) in [
        (None, "undefined undefined"),
        (Some(json!(null)), "undefined undefined"),
        (Some(json!([null])), "object null"),
        (Some(json!(false)), "boolean undefined"),
        (Some(json!(0)), "number undefined"),
        (Some(json!("")), "string undefined"),
    ] {
        assert_eq!(bench.returns_of("return `${typeof input} ${input?.[0]}`", input).await, expected);
    }
}
