//! What `larder serve` says on stderr while it runs.

use serde_json::Value;

use crate::serving::{Serving, head};
use crate::support::Shell;

const FREE: &[&str] = &["--listen", "127.0.0.1:0"];
const GET: &str = "GET /v1/operations/data?key=a-key";

/// What a gateway said to its end, which was asked for once.
fn said(arguments: &[&str]) -> String {
    let shell = Shell::new();
    let serving = Serving::start(&shell, &[FREE, arguments].concat());
    let answered = head(serving.address, GET, &[("X-Request-Id", "of-the-caller")]);
    assert!(answered.starts_with("HTTP/1.1 404"), "{answered}");
    serving.terminate();
    let ended = serving.ended();
    assert!(ended.status.success(), "{ended:?}");
    ended.errors
}

#[test]
fn a_request_has_a_line_that_says_which_and_how_it_ended() {
    let lines = said(&["--log-level", "debug"]);
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    let answered: Vec<_> = lines.iter().filter(|line| line["message"] == "answered").collect();
    let [line] = answered[..] else { panic!("one request, one line: {lines:#?}") };
    for (name, value) in [
        ("level", "DEBUG"),
        ("target", "larder"),
        ("request_id", "of-the-caller"),
        ("method", "GET"),
        ("route", "/v1/operations/data"),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert_eq!(line["status"], 404);
    assert!(line["took_micros"].is_u64() && line["timestamp"].is_string(), "{line}");
}

#[test]
fn for_people_it_is_text() {
    let said = said(&["--log-level", "debug", "--log-format", "text"]);
    let line = said.lines().find(|line| line.contains("answered")).expect("a line");
    for part in [
        " DEBUG larder: ",
        "request_id=\"of-the-caller\"",
        "method=\"GET\"",
        "route=\"/v1/operations/data\"",
        "status=404",
    ] {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
    assert!(!said.contains('\u{1b}') && !said.contains("a-key"), "{said:?}");
}

#[test]
fn a_level_holds_back_what_is_below_it() {
    for (arguments, draining) in [
        (&[][..], true),
        (&["--log-level", "info"], true),
        (&["--log-level", "warn"], false),
        (&["--log-level", "error"], false),
    ] {
        let said = said(arguments);
        assert_eq!(said.contains("draining"), draining, "{arguments:?}: {said:?}");
        assert!(!said.contains("answered"), "{arguments:?}: {said:?}");
    }
}

#[test]
fn no_log_holds_a_value_a_key_or_a_secret() {
    let shell = Shell::new();
    let key = shell.done(&["keys", "create", "--allow", "read,write,scan,delete"]).trim().to_owned();
    let logging = ["--log-level", "debug", "--log-format", "json"];
    let serving = Serving::start(&shell, &[FREE, &logging].concat());
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let body = r#"{"key":"session:a-secret-key","value":"a-secret-value"}"#;
    assert_eq!(serving.ask("POST /v1/operations/data", &headers, body).0, 200);
    for line in [
        "GET /v1/operations/data?key=session:a-secret-key",
        "GET /v1/operations/data?prefix=session:a-secret",
        "GET /v1/kv/default/entry?key=session:a-secret-key",
        "GET /no/such/a-secret-path",
        "DELETE /v1/operations/data?key=session:a-secret-key&a-secret-parameter=1",
    ] {
        serving.ask(line, &headers, "");
    }
    // What goes wrong is told more of.
    serving.ask("POST /v1/operations/data", &headers, r#"{"key":"a-secret-key","value":"a-secret-value""#);
    serving.ask("POST /v1/kv/default/increment", &headers, r#"{"key":"session:a-secret-key","delta":1}"#);
    serving.ask("GET /v1/operations/data?key=k", &[("X-API-Key", "kv_a-secret-guess")], "");
    serving.terminate();
    let ended = serving.ended();
    let secret = key.rsplit('_').next().expect("a secret");
    let lines: Vec<_> = ended.errors.lines().collect();
    let answered = lines.iter().filter(|line| line.contains(r#""message":"answered""#)).count();
    assert_eq!(answered, 9, "a line for each request: {lines:#?}");
    for line in lines {
        serde_json::from_str::<Value>(line).expect("an object a line");
        assert!(!line.contains("a-secret") && !line.contains(secret), "{line}");
    }
    assert!(ended.errors.contains(key.split('_').nth(1).expect("an id")), "whose request it was");
}
