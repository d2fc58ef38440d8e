//! How `larder serve` is told how to run.

use std::fs;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::serving::{Serving, ask, begin, head};
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
fn settings_come_from_variables() {
    let mut shell = Shell::new();
    for id in ["DATA", "KEYS"] {
        shell.set(&format!("LARDER_{id}_BINDING"), format!("local-kv:{}", shell.path().join(id).display()));
    }
    fs::create_dir(shell.path().join("scripts")).expect("a directory");
    fs::write(shell.path().join("scripts/one.js"), "export default () => 1").expect("a file");
    let made = shell.done(&["keys", "create", "--allow", "read,scripts:run", "-b", "keys"]);
    let key = ("X-API-Key", made.trim());
    for (name, value) in [
        ("LISTEN", "0.0.0.0:0"),
        ("BEHIND_PROXY", "true"),
        ("BINDINGS", "data"),
        ("ADMIN_LISTEN", "127.0.0.1:0"),
        ("AUTH", "keys"),
        ("KEYS_IN", "keys"),
        ("CORS_ORIGIN", "https://a.example,https://b.example"),
        ("SCRIPTS_DIR", "scripts"),
        ("LOG_LEVEL", "debug"),
        ("LOG_FORMAT", "text"),
    ] {
        shell.set(&format!("LARDER_SERVE_{name}"), value);
    }
    let serving = Serving::start(&shell, &[]);
    assert!(serving.address.ip().is_unspecified(), "{}", serving.address);
    assert_eq!(serving.said["bindings"].to_string(), r#"["data"]"#);
    assert_eq!(ask(serving.admin.expect("an address"), "GET /healthz", &[], "").0, 200);
    // The keys are those of the store that was named for them, which is not served.
    assert_eq!(serving.said["keys"], true);
    let get = "GET /v1/operations/data?key=k";
    assert_eq!(serving.ask(get, &[], "").0, 401);
    assert_eq!(serving.ask(get, &[key], "").0, 404);
    assert_eq!(serving.ask("GET /v1/kv/keys/entry?key=k", &[key], "").0, 404);
    for (origin, is_named) in
        [("https://a.example", true), ("https://b.example", true), ("https://c.example", false)]
    {
        let head = head(serving.address, get, &[key, ("Origin", origin)]);
        assert_eq!(head.contains(&format!("access-control-allow-origin: {origin}\r\n")), is_named, "{head}");
    }
    let json = ("Content-Type", "application/json");
    let ran = serving.ask("POST /v1/operations/scripts", &[key, json], r#"{"script":"one"}"#);
    assert_eq!(ran.0, 200, "{ran:?}");
    serving.terminate();
    let ended = serving.ended();
    let lines: Vec<_> = ended.errors.lines().collect();
    assert!(lines.iter().any(|line| line.contains("DEBUG") && line.contains("answered")), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.starts_with('{')), "{lines:#?}");
}

#[test]
fn who_is_let_in_and_whether_scripts_run_has_a_variable() {
    let mut shell = Shell::new();
    // A store that has a key asks for keys, unless told.
    shell.done(&["keys", "create", "--allow", "read"]);
    shell.set("LARDER_SERVE_AUTH", "loopback");
    shell.set("LARDER_SERVE_SCRIPT_WORKERS", "0");
    let serving = Serving::start(&shell, FREE);
    assert_eq!(serving.said["keys"], false);
    assert_eq!(serving.ask("GET /v1/operations/data?key=k", &[], "").0, 404);
    let json = ("Content-Type", "application/json");
    let (status, body) = serving.ask("POST /v1/operations/scripts", &[json], r#"{"script":"one"}"#);
    assert!(status == 404 && !body.contains("SCRIPT_NOT_FOUND"), "no such route: {status} {body}");
}

#[test]
fn a_flag_that_says_no_counts_more_than_a_file_that_says_yes() {
    let shell = Shell::new();
    fs::write(shell.path().join("serve.toml"), "behind-proxy = true\n").expect("a file");
    let serving = Serving::start(&shell, &[FREE, &["--config", "serve.toml"]].concat());
    assert_eq!(serving.said["keys"], true, "a proxy brings others than this machine");
    drop(serving);
    let no = ["--config", "serve.toml", "--behind-proxy=false"];
    let serving = Serving::start(&shell, &[FREE, &no].concat());
    assert_eq!(serving.said["keys"], false);
    assert_eq!(serving.ask("GET /v1/operations/data?key=k", &[], "").0, 404);
    shell
        .run(&["serve", "--listen", "0.0.0.0:0", "--config", "serve.toml", "--behind-proxy=false"])
        .failed(2, "--behind-proxy");
}

#[test]
fn what_a_page_elsewhere_sends_is_refused_without_keys() {
    let shell = Shell::new();
    let serving = Serving::start(&shell, FREE);
    let get = "GET /v1/operations/data?key=k";
    assert_eq!(serving.ask(get, &[("Sec-Fetch-Site", "same-origin")], "").0, 404);
    for header in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://elsewhere.example"),
        ("Host", "rebound.example"),
    ] {
        assert_eq!(serving.ask(get, &[header], "").0, 403, "{header:?}");
    }
}

#[test]
fn a_store_that_is_named_counts_more_than_the_bindings_of_a_file() {
    let mut shell = Shell::new();
    shell.set("LARDER_A_BINDING", format!("local-kv:{}", shell.path().join("A").display()));
    fs::write(shell.path().join("serve.toml"), "binding = [\"a\"]\n").expect("a file");
    shell.done(&["put", "k", "of the URL", "--url", "local-kv:named"]);
    let arguments = ["--url", "local-kv:named", "--config", "serve.toml"];
    let serving = Serving::start(&shell, &[FREE, &arguments].concat());
    assert_eq!(serving.said["bindings"].to_string(), r#"["default"]"#);
    let (status, body) = serving.ask("GET /v1/kv/default/entry?key=k", &[], "");
    assert_eq!((status, body.as_str()), (200, "of the URL"));
}

#[test]
fn a_binding_that_it_was_not_told_to_serve_stays_closed() {
    let mut shell = Shell::new();
    for id in ["A", "B"] {
        shell.set(&format!("LARDER_{id}_BINDING"), format!("local-kv:{}", shell.path().join(id).display()));
    }
    let serving = Serving::start(&shell, &[FREE, &["--binding", "a"]].concat());
    let json = [("Content-Type", "application/json")];
    assert_eq!(serving.ask("GET /v1/kv/a/entry?key=k", &[], "").0, 404);
    for line in ["GET /v1/kv/b/entry?key=k", "PUT /v1/kv/b/entry?key=k", "GET /v1/kv/b/scan?prefix="] {
        let (status, body) = serving.ask(line, &json, if line.starts_with("PUT") { "1" } else { "" });
        assert_eq!(status, 404, "{line}: {body}");
        assert!(body.contains("BINDING_NOT_FOUND"), "{line}: {body}");
    }
    assert!(shell.path().join("A").exists() && !shell.path().join("B").exists(), "it opened another");
}

#[test]
fn what_would_let_strangers_in_does_not_start() {
    let shell = Shell::new();
    fs::write(shell.path().join("wrong.toml"), "lissen = \"127.0.0.1:0\"\n").expect("a file");
    for (arguments, why) in [
        (&["serve", "--listen", "0.0.0.0:0"][..], "--behind-proxy"),
        (&["serve", "--listen", "0.0.0.0:0", "--auth", "keys"], "--behind-proxy"),
        (&["serve", "--listen", "0.0.0.0:0", "--auth", "loopback", "--behind-proxy"], "--auth loopback"),
        (&["serve", "--behind-proxy", "--auth", "loopback"], "--auth loopback"),
        (&["serve", "--tls-cert", "cert.pem"], "belong together"),
        (&["serve", "--cors-origin", "*", "--listen", "127.0.0.1:0"], "no origin"),
        (&["serve", "--config", "wrong.toml"], "lissen"),
    ] {
        shell.run(arguments).failed(2, why);
    }
    assert!(!shell.path().join(".larder").exists(), "a store was made for nothing");
    shell.run(&["serve", "--config", "missing.toml"]).failed(1, "missing.toml");
    let missing = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", "no.pem", "--tls-key", "no.pem"];
    shell.run(&missing).failed(1, "no.pem");
}

#[test]
fn behind_a_proxy_it_asks_for_keys_and_takes_any_host() {
    let shell = Shell::new();
    let key = shell.done(&["keys", "create", "--allow", "read"]).trim().to_owned();
    let get = "GET /v1/operations/data?key=k";
    for listen in ["127.0.0.1:0", "0.0.0.0:0"] {
        let serving = Serving::start(&shell, &["--listen", listen, "--behind-proxy"]);
        assert_eq!(serving.said["keys"], true);
        let host = ("Host", "kv.example");
        assert_eq!(serving.ask(get, &[host], "").0, 401);
        assert_eq!(serving.ask(get, &[host, ("X-API-Key", &key)], "").0, 404);
    }
}

#[test]
fn who_reaches_everything_reads_the_metrics_with_a_key() {
    let shell = Shell::new();
    let key = shell.done(&["keys", "create", "--allow", "read"]).trim().to_owned();
    let tenants =
        shell.done(&["keys", "create", "--allow", "read", "--namespace", "tenant"]).trim().to_owned();
    let serving = Serving::start(&shell, FREE);
    assert_eq!(serving.ask("GET /metrics", &[], "").0, 401);
    assert_eq!(serving.ask("GET /metrics", &[("X-API-Key", &tenants)], "").0, 403);
    assert_eq!(serving.ask("GET /v1/operations/data?key=k", &[("X-API-Key", &key)], "").0, 404);
    let (status, metrics) = serving.ask("GET /metrics", &[("X-API-Key", &key)], "");
    assert_eq!(status, 200);
    assert!(metrics.contains("db_client_operation_duration"), "{metrics}");
}

/// A certificate for this machine, in `cert.pem` and `key.pem`.
fn certificate(shell: &Shell) -> rcgen::CertifiedKey<rcgen::KeyPair> {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(shell.path().join("cert.pem"), certificate.cert.pem()).expect("a file");
    fs::write(shell.path().join("key.pem"), certificate.signing_key.serialize_pem()).expect("a file");
    certificate
}

#[test]
fn where_strangers_can_come_it_asks_for_keys_before_there_is_any() {
    let shell = Shell::new();
    let _ = certificate(&shell);
    let tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    for arguments in [&tls[..], &["--behind-proxy"]] {
        let serving = Serving::start(&shell, &[&["--listen", "0.0.0.0:0"], arguments].concat());
        assert_eq!(serving.said["keys"], true, "{arguments:?}");
    }
    let serving = Serving::start(&shell, &["--listen", "0.0.0.0:0", "--behind-proxy"]);
    assert_eq!(serving.ask("GET /v1/operations/data?key=k", &[], "").0, 401);
}

#[test]
fn it_is_not_ready_while_a_store_cannot_be_opened() {
    let mut shell = Shell::new();
    // A file, where the store would be.
    fs::write(shell.path().join("B"), "").expect("a file");
    for id in ["A", "B"] {
        shell.set(&format!("LARDER_{id}_BINDING"), format!("local-kv:{}", shell.path().join(id).display()));
    }
    let more = ["--binding", "a", "--binding", "b", "--auth", "loopback", "--admin-listen", "127.0.0.1:0"];
    let serving = Serving::start(&shell, &[FREE, &more].concat());
    assert_eq!(serving.ask("GET /readyz", &[], ""), (503, r#"{"ready":false}"#.to_owned()));
    assert_eq!(serving.ask("GET /healthz", &[], "").0, 200);
    let (status, report) = ask(serving.admin.expect("an address"), "GET /readyz", &[], "");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!((status, &report["stores"]["a"]), (503, &serde_json::json!("ok")), "{report}");
    assert_ne!(report["stores"]["b"], "ok", "{report}");
    // The other one is served meanwhile.
    assert_eq!(serving.ask("GET /v1/kv/a/entry?key=k", &[], "").0, 404);
}

#[tokio::test]
async fn it_speaks_https_with_the_files_that_it_is_given() {
    let mut shell = Shell::new();
    let certificate = certificate(&shell);
    let key = shell.done(&["keys", "create", "--allow", "read"]).trim().to_owned();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.cert.der().clone()).expect("a root");
    let trusting = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(trusting));
    // Where others than this machine can come, HTTPS is enough: no proxy is needed.
    let flags = ["--listen", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    for arguments in [&flags[..], &["--listen", "0.0.0.0:0"]] {
        let serving = Serving::start(&shell, arguments);
        shell.set("LARDER_SERVE_TLS_CERT", "cert.pem");
        shell.set("LARDER_SERVE_TLS_KEY", "key.pem");
        assert!(serving.said["listening"].as_str().expect("a URL").starts_with("https://"));
        let stream = TcpStream::connect(serving.address).await.expect("a connection");
        let name = "localhost".try_into().expect("a name");
        let mut stream = connector.connect(name, stream).await.expect("TLS");
        let request = format!(
            "GET /v1/operations/data?key=k HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("it is sent");
        let mut answer = String::new();
        // Who closes need not say so in TLS.
        let _ = stream.read_to_string(&mut answer).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
}

#[test]
fn a_request_has_its_time_and_no_more() {
    let flag = (Shell::new(), &["--request-timeout", "50ms"][..]);
    let mut variable = (Shell::new(), &[][..]);
    variable.0.set("LARDER_SERVE_REQUEST_TIMEOUT", "50ms");
    for (shell, arguments) in [flag, variable] {
        let serving = Serving::start(&shell, &[FREE, arguments].concat());
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut begin(serving.address), &mut answer).expect("an answer");
        // It may have been applied, for all that the gateway knows.
        assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("AMBIGUOUS"), "{answer}");
    }
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
