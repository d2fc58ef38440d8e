//! Where tokens come from, and what happens when they do not come. The servers that give them are played here.

mod support;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use larder_core::driver::{Driver, Effect, Guard};
use larder_core::{Error, ErrorKind, Timestamp};
use larder_firestore::{Credentials, FirestoreDriver};
use serde_json::{Value, json};
use tempfile::TempDir;

use support::{FULL, Server, answering, at, closed, http, open, put, row, silent, status};

/// A file of credentials in a folder of its own.
fn file(content: &Value) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("credentials.json");
    fs::write(&path, content.to_string()).expect("a file");
    (folder, path)
}

/// A Firestore without any database, which is enough to see who asks.
async fn firestore() -> Server {
    answering(|| status(5)).await
}

/// Opens a driver with a file of credentials, and reads once.
async fn read_as(content: &Value, firestore: &Server) {
    let (_folder, path) = file(content);
    let driver = open(&at(&firestore.url).credentials(Credentials::File(path))).await;
    let error = driver.get(&row("key"), FULL).await.expect_err("no database");
    assert_eq!(error.kind, ErrorKind::NotProvisioned, "{error:?}");
}

/// What opening with a file of credentials ends in.
async fn refused(content: &Value) -> Error {
    let (_folder, path) = file(content);
    let options = at("http://127.0.0.1:1").credentials(Credentials::File(path));
    let error = FirestoreDriver::open(options).await.expect_err("there is no token");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    error
}

fn service_account(key: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": "larder-tests",
        "private_key_id": "key-1",
        "private_key": key,
        "client_email": "larder@larder-tests.iam.gserviceaccount.com",
        "token_uri": "http://127.0.0.1:1/token",
    })
}

fn user(token_uri: &str) -> Value {
    json!({
        "type": "authorized_user",
        "client_id": "client",
        "client_secret": "hunter2-secret",
        "refresh_token": "hunter2-refresh",
        "token_uri": token_uri,
    })
}

fn workload(folder: &TempDir, token_url: &str) -> Value {
    let subject = folder.path().join("subject");
    fs::write(&subject, "hunter2-subject").expect("a file");
    json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": token_url,
        "credential_source": { "file": subject },
    })
}

fn token(expires_in: u32) -> String {
    json!({
        "access_token": "hunter2-token",
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "token_type": "Bearer",
        "expires_in": expires_in,
    })
    .to_string()
}

#[tokio::test]
async fn emulators_are_sent_the_word_that_they_expect() {
    let firestore = firestore().await;
    open(&at(&firestore.url)).await.get(&row("key"), FULL).await.expect_err("no database");
    assert_eq!(firestore.asked()[0].authorization, "Bearer owner");
    assert_eq!(
        firestore.asked()[0].path,
        format!("{}/google.firestore.v1.Firestore/BatchGetDocuments", firestore.url)
    );
}

#[tokio::test]
async fn a_service_account_signs_its_own_tokens() {
    let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let der: Pkcs8V1Der<'_> = key.as_der().expect("a key");
    let (begin, end) = ("-----BEGIN PRIVATE ", "-----END PRIVATE ");
    let key = format!("{begin}KEY-----\n{}\n{end}KEY-----\n", STANDARD.encode(der.as_ref()));
    let firestore = firestore().await;
    read_as(&service_account(&key), &firestore).await;
    let sent = firestore.asked()[0].authorization.clone();
    let claims =
        sent.strip_prefix("Bearer ").and_then(|token| token.split('.').nth(1)).expect("a signed token");
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON");
    assert_eq!(claims["iss"], "larder@larder-tests.iam.gserviceaccount.com");
    assert!(claims["scope"].as_str().expect("a scope").contains("cloud-platform"), "{claims}");
}

#[tokio::test]
async fn a_workload_exchanges_its_identity_for_a_token() {
    let exchange = answering(|| http(200, token(3_600))).await;
    let (firestore, folder) = (firestore().await, TempDir::new().expect("a folder"));
    read_as(&workload(&folder, &format!("{}/token", exchange.url)), &firestore).await;
    assert_eq!(firestore.asked()[0].authorization, "Bearer hunter2-token");
    let asked = String::from_utf8_lossy(&exchange.asked()[0].body).into_owned();
    assert!(asked.contains("subject_token=hunter2-subject"), "{asked}");
    assert_eq!(exchange.asked().len(), 1, "the token is kept");
}

#[tokio::test]
async fn a_user_refreshes_a_token() {
    let tokens = answering(|| http(200, token(3_600))).await;
    let firestore = firestore().await;
    read_as(&user(&format!("{}/token", tokens.url)), &firestore).await;
    assert_eq!(firestore.asked()[0].authorization, "Bearer hunter2-token");
}

#[tokio::test]
async fn files_that_are_no_credentials_are_unauthorized_and_say_why() {
    let fields = json!({ "type": "service_account", "private_key": "hunter2" });
    let unknown = json!({ "type": "api_key", "key": "hunter2" });
    for (content, words) in [
        (fields, "a field is missing"),
        (unknown, "no type of credentials"),
        (Value::Null, "no type of credentials"),
        (service_account("hunter2"), "refused"),
    ] {
        let error = refused(&content).await;
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
        assert!(error.to_string().contains(words), "{words:?} is not in {error}");
    }
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("absent.json");
    let options = at("http://127.0.0.1:1").credentials(Credentials::File(path.clone()));
    let error = FirestoreDriver::open(options.clone()).await.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    assert!(error.to_string().contains("absent.json"), "{error}");
    fs::write(&path, "{\"private_key\": hunter2").expect("a file");
    let error = FirestoreDriver::open(options).await.expect_err("no JSON");
    assert!(error.to_string().contains("is no JSON") && !error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_token_endpoint_that_refuses_is_unauthorized_and_one_that_is_down_is_unavailable() {
    let down = closed().await;
    let mute = silent().await;
    let mut endpoints = vec![(down, ErrorKind::Unavailable), (mute, ErrorKind::Unavailable)];
    let mut servers = Vec::new();
    for (code, kind) in [
        (400, ErrorKind::Unauthorized),
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Unauthorized),
        (200, ErrorKind::Unauthorized),
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
    ] {
        let server = answering(move || http(code, r#"{"error":"hunter2"}"#)).await;
        endpoints.push((server.url.clone(), kind));
        servers.push(server);
    }
    let folder = TempDir::new().expect("a folder");
    for (url, kind) in endpoints {
        let started = Instant::now();
        for content in [user(&url), workload(&folder, &url)] {
            let error = refused(&content).await;
            assert_eq!(error.kind(), kind, "{url}: {error}");
            assert!(error.to_string().contains("larder-tests"), "{error}");
        }
        assert!(started.elapsed() < Duration::from_secs(15), "{url}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_sends_nothing_and_does_not_hang() {
    // Good for the moment at which it is given, and no longer.
    let tokens = answering(|| http(200, token(0))).await;
    let firestore = firestore().await;
    let (_folder, path) = file(&user(&tokens.url));
    let options = at(&firestore.url).credentials(Credentials::File(path));
    let driver = open(&options.connect_timeout(Duration::from_millis(200))).await;
    let started = Instant::now();
    let now = Timestamp::from_millis(1_767_225_600_000);
    let error = driver.write(&row("key"), &put(Guard::Always), now).await.expect_err("no token");
    assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(2), "{error:?}");
    assert!(firestore.asked().is_empty(), "nothing was sent");
}

#[tokio::test]
async fn a_token_that_does_not_come_leaves_the_connection_alone() {
    let tokens = answering(|| http(200, token(0))).await;
    let firestore = firestore().await;
    let (_folder, path) = file(&user(&tokens.url));
    let options = at(&firestore.url).credentials(Credentials::File(path));
    let driver = open(&options.connect_timeout(Duration::from_millis(200))).await;
    for _ in 0..3 {
        let error = driver.get(&row("key"), FULL).await.expect_err("no token");
        assert_eq!((error.kind, error.effect), (ErrorKind::Unavailable, Effect::NotApplied), "{error:?}");
    }
    assert_eq!(firestore.connections(), 1, "nothing was wrong with it");
}

#[tokio::test]
async fn no_debug_output_shows_a_credential() {
    let tokens = answering(|| http(200, token(3_600))).await;
    let firestore = firestore().await;
    let (_folder, path) = file(&user(&tokens.url));
    let options = at(&firestore.url).credentials(Credentials::File(path));
    let driver = open(&options).await;
    let error = driver.get(&row("hunter2"), FULL).await.expect_err("no database");
    let shown = format!("{options:?} {driver:?} {error:?} {}", error.message);
    assert!(!shown.contains("hunter2"), "{shown}");
}
