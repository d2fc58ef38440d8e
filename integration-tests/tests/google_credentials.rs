//! Where a `firestore` binding gets its credentials from, told by who asks a Firestore that is played here.

use std::process::Command;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use integration_tests::program::Program;
use larder_conformance::emulator;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A server that gives tokens as the metadata server and the token endpoints do.
struct Tokens {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Tokens {
    async fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let record = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let record = Arc::clone(&record);
                tokio::spawn(async move {
                    let service = service_fn(move |request: Request<Incoming>| {
                        let flavor = request.headers().get("metadata-flavor").is_some();
                        let line = format!("{} {flavor}", request.uri().path());
                        record.lock().expect("no test has panicked with it").push(line);
                        let token =
                            json!({ "access_token": "hunter2", "token_type": "Bearer", "expires_in": 3600 });
                        let answer = Response::builder()
                            .status(status)
                            .header("content-type", "application/json")
                            .header("metadata-flavor", "Google")
                            .body(Full::new(Bytes::from(token.to_string())));
                        std::future::ready(answer)
                    });
                    // How a connection ends is the client's affair.
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test has panicked with it").clone()
    }
}

/// Runs the probe with a binding, and nothing else in its environment than this.
async fn probe(binding: Value, environment: Vec<(&'static str, String)>) -> Value {
    let run = move || {
        let home = TempDir::new().expect("a directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_binding-probe"));
        command.env_clear().env("HOME", home.path());
        command.env("LARDER_PROBE_BINDING", binding.to_string()).envs(environment);
        let (status, lines) = Program::start(&mut command).end();
        assert!(status.success(), "{lines:?}");
        serde_json::from_str(&lines[0]).expect("JSON")
    };
    tokio::task::spawn_blocking(run).await.expect("it runs")
}

fn binding(fields: &[(&str, &str)]) -> Value {
    let name = format!("credentials-{}", std::process::id());
    let mut binding = json!({ "service": "firestore", "projectId": "larder-tests", "collectionName": name });
    for (field, value) in fields {
        binding[*field] = json!(value);
    }
    binding
}

#[track_caller]
fn assert_failed(outcome: &Value, kind: &str, words: &[&str]) {
    assert_eq!(outcome["kind"], kind, "{outcome}");
    let message = outcome["message"].as_str().expect("a message");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message}");
    }
    assert!(!message.contains("hunter2"), "{message}");
    // At most 5 s to look for credentials, and the 10 s of an operation.
    assert!(outcome["millis"].as_u64().expect("a time") < 15_000, "{outcome}");
}

#[tokio::test]
async fn an_emulator_needs_no_credentials() {
    let url = emulator("hidane");
    let outcome = probe(binding(&[("endpointUrl", &url)]), Vec::new()).await;
    assert_eq!(outcome["value"], "written", "{outcome}");
    // What all clients of Firestore heed, without a word in the binding.
    let host = url.strip_prefix("http://").expect("an address").to_owned();
    let outcome = probe(binding(&[]), vec![("FIRESTORE_EMULATOR_HOST", host)]).await;
    assert_eq!(outcome["value"], "written", "{outcome}");
}

#[tokio::test]
async fn a_machine_on_google_cloud_asks_its_metadata_server() {
    let tokens = Tokens::start(200).await;
    // Found credentials; nobody listens where it would use them, and TLS keeps them from prying eyes.
    let at = binding(&[("endpointUrl", "https://127.0.0.1:1")]);
    let outcome = probe(at, vec![("GCE_METADATA_HOST", tokens.address.clone())]).await;
    assert_failed(&outcome, "unavailable", &["cannot be reached", "the connection was refused"]);
    let asked = tokens.asked();
    assert_eq!(asked[0], "/computeMetadata/v1/instance/service-accounts/default/token true", "{asked:?}");
    let refusing = Tokens::start(403).await;
    let at = binding(&[("endpointUrl", "https://127.0.0.1:1")]);
    let outcome = probe(at, vec![("GCE_METADATA_HOST", refusing.address.clone())]).await;
    assert_failed(&outcome, "unauthorized", &["refused"]);
    let failing = Tokens::start(503).await;
    let at = binding(&[("endpointUrl", "https://127.0.0.1:1")]);
    let outcome = probe(at, vec![("GCE_METADATA_HOST", failing.address.clone())]).await;
    assert_failed(&outcome, "unavailable", &["who gives them is down"]);
}

#[tokio::test]
async fn the_file_that_the_variable_names() {
    let tokens = Tokens::start(200).await;
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("credentials.json");
    let user = json!({
        "type": "authorized_user",
        "client_id": "client",
        "client_secret": "hunter2",
        "refresh_token": "hunter2",
        "token_uri": format!("http://{}/token", tokens.address),
    });
    std::fs::write(&path, user.to_string()).expect("a file");
    let path = path.to_str().expect("a name").to_owned();
    let at = || binding(&[("endpointUrl", "https://127.0.0.1:1")]);
    let outcome = probe(at(), vec![("GOOGLE_APPLICATION_CREDENTIALS", path.clone())]).await;
    assert_failed(&outcome, "unavailable", &["the connection was refused"]);
    assert_eq!(tokens.asked().len(), 1);
    // A binding's own file wins over the variable.
    let own = binding(&[("endpointUrl", "https://127.0.0.1:1"), ("credentialsFile", &path)]);
    let outcome = probe(own, vec![("GOOGLE_APPLICATION_CREDENTIALS", "/absent.json".into())]).await;
    assert_failed(&outcome, "unavailable", &["the connection was refused"]);
    assert_eq!(tokens.asked().len(), 2);
    let outcome = probe(at(), vec![("GOOGLE_APPLICATION_CREDENTIALS", "/absent.json".into())]).await;
    assert_failed(&outcome, "unauthorized", &["GOOGLE_APPLICATION_CREDENTIALS", "cannot be read"]);
    let own = binding(&[("endpointUrl", "https://127.0.0.1:1"), ("credentialsFile", "/absent.json")]);
    assert_failed(&probe(own, Vec::new()).await, "unauthorized", &["/absent.json"]);
}

#[tokio::test]
async fn a_machine_without_any_is_told_where_was_looked() {
    // Also on a machine that has one, so that the test does not go and ask Google.
    let nobody = vec![("GCE_METADATA_HOST", "127.0.0.1:1".to_owned())];
    let outcome = probe(binding(&[]), nobody).await;
    let words = ["no credentials", "GOOGLE_APPLICATION_CREDENTIALS", "gcloud", "metadata server"];
    assert_failed(&outcome, "unauthorized", &words);
}
