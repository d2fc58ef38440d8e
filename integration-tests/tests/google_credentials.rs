//! Where a `firestore` binding gets its credentials from, told by who asks a Firestore that is played here.

use std::fs;
use std::process::Command;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration_tests::firestore::{Collection, PROJECT};
use integration_tests::google::{TOKEN, TokenServer, service_account, user, workload};
use integration_tests::program::Program;
use integration_tests::proxy::FaultProxy;
use larder_conformance::emulator;
use serde_json::{Value, json};
use tempfile::TempDir;

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
    let tokens = TokenServer::start(200).await;
    // Found credentials; nobody listens where it would use them, and TLS keeps them from prying eyes.
    let at = binding(&[("endpointUrl", "https://127.0.0.1:1")]);
    let outcome = probe(at, vec![("GCE_METADATA_HOST", tokens.address().to_owned())]).await;
    assert_failed(&outcome, "unavailable", &["cannot be reached", "the connection was refused"]);
    let asked = tokens.asked();
    assert_eq!(asked[0], "/computeMetadata/v1/instance/service-accounts/default/token true", "{asked:?}");
    let refusing = TokenServer::start(403).await;
    let at = binding(&[("endpointUrl", "https://127.0.0.1:1")]);
    let outcome = probe(at, vec![("GCE_METADATA_HOST", refusing.address().to_owned())]).await;
    assert_failed(&outcome, "unauthorized", &["refused"]);
    let failing = TokenServer::start(503).await;
    let at = binding(&[("endpointUrl", "https://127.0.0.1:1")]);
    let outcome = probe(at, vec![("GCE_METADATA_HOST", failing.address().to_owned())]).await;
    assert_failed(&outcome, "unavailable", &["who gives them is down"]);
}

#[tokio::test]
async fn the_file_that_the_variable_names() {
    let tokens = TokenServer::start(200).await;
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("credentials.json");
    fs::write(&path, user(&tokens.url()).to_string()).expect("a file");
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
async fn the_file_that_gcloud_keeps() {
    let tokens = TokenServer::start(200).await;
    let home = TempDir::new().expect("a directory");
    let folder = home.path().join(".config/gcloud");
    fs::create_dir_all(&folder).expect("a directory");
    let file = folder.join("application_default_credentials.json");
    fs::write(file, user(&tokens.url()).to_string()).expect("a file");
    let at = binding(&[("endpointUrl", "https://127.0.0.1:1")]);
    let outcome = probe(at, vec![("HOME", home.path().to_str().expect("a name").to_owned())]).await;
    assert_failed(&outcome, "unavailable", &["the connection was refused"]);
    assert_eq!(tokens.asked().len(), 1);
}

#[tokio::test]
async fn a_machine_without_any_is_told_where_was_looked() {
    // Also on a machine that has one, so that the test does not go and ask Google.
    let nobody = vec![("GCE_METADATA_HOST", "127.0.0.1:1".to_owned())];
    let outcome = probe(binding(&[]), nobody).await;
    let words = ["no credentials", "GOOGLE_APPLICATION_CREDENTIALS", "gcloud", "metadata server"];
    assert_failed(&outcome, "unauthorized", &words);
}

/// What a server without TLS is sent that stands before the emulator: the tokens of its clients' requests, each once.
async fn tokens_sent(environment: &[(&str, &str)]) -> Vec<String> {
    let proxy = FaultProxy::start(env!("CARGO_BIN_EXE_fault-proxy"), &emulator("hidane"));
    let collection = Collection::create_empty();
    let home = TempDir::new().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_firestore-probe"));
    command.args([proxy.url(), PROJECT, collection.name()]).env_clear().env("HOME", home.path());
    command.envs(environment.iter().copied());
    let run = move || Program::start(&mut command).end();
    let (status, lines) = tokio::task::spawn_blocking(run).await.expect("it runs");
    assert!(status.success());
    assert_eq!(lines, ["written"]);
    let log = proxy.settled().await;
    // The layout record, the put and the get.
    assert!(log.len() >= 3, "{log:?}");
    let mut tokens: Vec<_> =
        log.into_iter().map(|exchange| exchange.authorization.expect("a token")).collect();
    tokens.dedup();
    tokens
}

#[tokio::test]
async fn the_token_reaches_firestore_wherever_it_is_from() {
    let (server, folder) = (TokenServer::start(200).await, TempDir::new().expect("a directory"));
    let given = format!("Bearer {TOKEN}");
    let metadata = [("GCE_METADATA_HOST", server.address())];
    assert_eq!(tokens_sent(&metadata).await, [given.as_str()], "the metadata server's");

    let path = folder.path().join("credentials.json");
    let file = [("GOOGLE_APPLICATION_CREDENTIALS", path.to_str().expect("a name"))];
    fs::write(&path, workload(folder.path(), &server.url()).to_string()).expect("a file");
    assert_eq!(tokens_sent(&file).await, [given.as_str()], "a workload's");
    assert_eq!(server.asked().len(), 2, "one for each process");

    let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der: Pkcs8V1Der<'_> = key.as_der().expect("a key");
    let (begin, end) = ("-----BEGIN PRIVATE ", "-----END PRIVATE ");
    let key = format!("{begin}KEY-----\n{}\n{end}KEY-----\n", STANDARD.encode(der.as_ref()));
    fs::write(&path, service_account(&key).to_string()).expect("a file");
    let own = tokens_sent(&file).await;
    let parts = own[0].strip_prefix("Bearer ").expect("a token").split('.').count();
    assert_eq!((own.len(), parts), (1, 3), "a service account signs its own, and keeps it");
    assert_eq!(server.asked().len(), 2, "nobody else is asked");
}
