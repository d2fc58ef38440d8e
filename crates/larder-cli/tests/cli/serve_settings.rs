//! How `larder serve` is told how to run, and what it says while it does.

use std::fs;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

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

#[tokio::test]
async fn it_speaks_https_with_the_files_that_it_is_given() {
    let shell = Shell::new();
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(shell.path().join("cert.pem"), certificate.cert.pem()).expect("a file");
    fs::write(shell.path().join("key.pem"), certificate.signing_key.serialize_pem()).expect("a file");
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
    for listen in ["127.0.0.1:0", "0.0.0.0:0"] {
        let tls = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
        let serving = Serving::start(&shell, &[&["--listen", listen][..], &tls].concat());
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
    let shell = Shell::new();
    let serving = Serving::start(&shell, &[FREE, &["--request-timeout", "50ms"]].concat());
    // More of it is said to come, and does not.
    let mut stream = std::net::TcpStream::connect(serving.address).expect("a connection");
    let head = format!(
        "POST /v1/operations/data HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n",
        serving.address
    );
    std::io::Write::write_all(&mut stream, head.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).expect("an answer");
    // It may have been applied, for all that the gateway knows.
    assert!(answer.starts_with("HTTP/1.1 500") && answer.contains("AMBIGUOUS"), "{answer}");
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
