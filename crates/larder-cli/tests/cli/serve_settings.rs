//! How `larder serve` is told how to run, and what it says while it does.

use std::fs;

use crate::serving::{Serving, ask};
use crate::support::Shell;

const FREE: &[&str] = &["--listen", "127.0.0.1:0"];

#[test]
fn a_flag_counts_more_than_a_variable_and_that_more_than_a_file() {
    let mut shell = Shell::new();
    for id in ["A", "B", "C"] {
        shell.set(&format!("LARDER_{id}_BINDING"), format!("local-kv:{}", shell.path().join(id).display()));
    }
    fs::write(shell.path().join("serve.toml"), "listen = \"127.0.0.1:0\"\nbinding = [\"a\"]\n")
        .expect("a file");
    let bindings = |shell: &Shell, arguments: &[&str]| {
        let serving = Serving::start(shell, arguments);
        serving.said["bindings"].to_string()
    };
    let file = ["--config", "serve.toml"];
    assert_eq!(bindings(&shell, &file), r#"["a"]"#);
    shell.set("LARDER_SERVE_BINDINGS", "b,c");
    assert_eq!(bindings(&shell, &file), r#"["b","c"]"#);
    assert_eq!(bindings(&shell, &["--config", "serve.toml", "--binding", "c"]), r#"["c"]"#);
    shell.set("LARDER_SERVE_CONFIG", "serve.toml");
    assert_eq!(bindings(&shell, &[]), r#"["b","c"]"#);
}

#[test]
fn what_would_let_strangers_in_does_not_start() {
    let shell = Shell::new();
    fs::write(shell.path().join("wrong.toml"), "lissen = \"127.0.0.1:0\"\n").expect("a file");
    for (arguments, why) in [
        (&["serve", "--listen", "0.0.0.0:0"][..], "--behind-proxy"),
        (&["serve", "--listen", "0.0.0.0:0", "--auth", "loopback", "--behind-proxy"], "--auth loopback"),
        (&["serve", "--behind-proxy", "--auth", "loopback"], "--auth loopback"),
        (&["serve", "--tls-cert", "cert.pem"], "belong together"),
        (&["serve", "--cors-origin", "*", "--listen", "127.0.0.1:0"], "no origin"),
        (&["serve", "--config", "wrong.toml"], "lissen"),
    ] {
        shell.run(arguments).failed(2, why);
    }
    shell.run(&["serve", "--config", "missing.toml"]).failed(1, "missing.toml");
    let missing = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", "no.pem", "--tls-key", "no.pem"];
    shell.run(&missing).failed(1, "no.pem");
}

#[test]
fn behind_a_proxy_it_asks_for_keys_and_takes_any_host() {
    let shell = Shell::new();
    let serving = Serving::start(&shell, &["--listen", "127.0.0.1:0", "--behind-proxy"]);
    assert_eq!(serving.said["keys"], true);
    assert_eq!(serving.ask("GET /v1/operations/data?key=k", &[], "").0, 401);
}

#[test]
fn it_tells_where_its_console_is() {
    let shell = Shell::new();
    let serving = Serving::start(&shell, FREE);
    assert_eq!(serving.said["console"], format!("http://{}/console/", serving.address));
    let (status, page) = serving.ask("GET /console/", &[], "");
    assert!(status == 200 && page.contains("<title>Larder</title>"), "{status} {page}");
}

#[test]
fn operators_have_a_listener_of_their_own() {
    let shell = Shell::new();
    let serving = Serving::start(&shell, &[FREE, &["--admin-listen", "127.0.0.1:0"]].concat());
    let admin = serving.admin.expect("an address");
    assert_eq!(serving.ask("GET /v1/operations/data?key=secret-key", &[], "").0, 404);
    assert_eq!(ask(admin, "GET /healthz", &[], "").0, 200);
    assert_eq!(ask(admin, "GET /readyz", &[], "").0, 200);
    let (status, metrics) = ask(admin, "GET /metrics", &[], "");
    assert_eq!(status, 200);
    for name in ["http_server_request_duration", "db_client_operation_duration", "/v1/operations/data"] {
        assert!(metrics.contains(name), "{name} is not in {metrics}");
    }
    assert!(!metrics.contains("secret-key"));
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
    assert!(lines.len() >= 8, "a line for each request: {lines:#?}");
    for line in lines {
        serde_json::from_str::<serde_json::Value>(line).expect("an object a line");
        assert!(!line.contains("a-secret") && !line.contains(secret), "{line}");
    }
    assert!(ended.errors.contains(key.split('_').nth(1).expect("an id")), "whose request it was");
}
