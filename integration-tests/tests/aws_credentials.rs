//! Where a `dynamodb` binding gets its credentials from, checked by a server that verifies signatures.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::StatusCode;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use integration_tests::answering::answering;
use integration_tests::moto::{AccessKey, role, user};
use integration_tests::program::Program;
use larder_conformance::emulator;
use larder_dynamodb::testing::create_table;
use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

const TABLE: &str = "credentials";
const REGION: &str = "eu-central-1";

/// A user and a table, for one test at a time: moto's door is open for whoever comes.
async fn account() -> MutexGuard<'static, AccessKey> {
    static ACCOUNT: OnceCell<Mutex<AccessKey>> = OnceCell::const_new();
    let make = || async {
        let key = user(&emulator("moto")).await;
        let options = DynamoDbOptions::new(TABLE, REGION).endpoint_url(emulator("moto")).credentials(
            Credentials::Keys { id: key.id.clone(), secret: key.secret.clone(), session_token: None },
        );
        let driver = DynamoDbDriver::open(options).await.expect("the options are right");
        // A server that other runs have used has the table.
        if let Err(error) = create_table(&driver).await {
            assert!(error.contains("ResourceInUse"), "{error}");
        }
        Mutex::new(key)
    };
    ACCOUNT.get_or_init(make).await.lock().await
}

/// Runs the probe with a binding on moto, and nothing else in its environment than this.
fn probe(fields: &str, environment: &[(&str, &str)]) -> Value {
    let moto = emulator("moto");
    let binding = format!(
        r#"{{"service":"dynamodb","tableName":"{TABLE}","region":"{REGION}","endpointUrl":"{moto}"{fields}}}"#
    );
    probe_binding(&binding, environment)
}

fn probe_binding(binding: &str, environment: &[(&str, &str)]) -> Value {
    let home = TempDir::new().expect("a directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_binding-probe"));
    command
        .env_clear()
        .env("HOME", home.path())
        .env("LARDER_PROBE_BINDING", binding)
        // The address of a machine's own credentials, where nobody listens.
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
        .envs(environment.iter().copied());
    let (status, lines) = Program::start(&mut command).end();
    assert!(status.success(), "{lines:?}");
    serde_json::from_str(&lines[0]).expect("JSON")
}

#[track_caller]
fn assert_works(outcome: &Value) {
    assert_eq!(outcome["value"], "written", "{outcome}");
}

#[track_caller]
fn assert_refused(outcome: &Value, words: &[&str]) {
    assert_eq!(outcome["kind"], "unauthorized", "{outcome}");
    let message = outcome["message"].as_str().expect("a message");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message}");
    }
    assert!(outcome["millis"].as_u64().expect("a time") < 10_000, "{outcome}");
}

#[tokio::test]
async fn the_bindings_own_keys() {
    let key = account().await;
    let fields = |id: &str, secret: &str| format!(r#","accessKeyId":"{id}","secretAccessKey":"{secret}""#);
    assert_works(&probe(&fields(&key.id, &key.secret), &[]));
    let wrong = probe(&fields(&key.id, "wrong-secret"), &[]);
    assert_refused(&wrong, &[TABLE, REGION]);
    assert!(!wrong.to_string().contains("wrong-secret"), "{wrong}");
    assert_refused(&probe(&fields("AKIAUNKNOWN000000000", &key.secret), &[]), &[TABLE]);
}

#[tokio::test]
async fn the_variables_of_the_environment() {
    let key = account().await;
    assert_works(&probe("", &[("AWS_ACCESS_KEY_ID", &key.id), ("AWS_SECRET_ACCESS_KEY", &key.secret)]));
    assert_refused(
        &probe("", &[("AWS_ACCESS_KEY_ID", &key.id), ("AWS_SECRET_ACCESS_KEY", "wrong")]),
        &[TABLE],
    );
}

#[tokio::test]
async fn a_profile_of_the_shared_files() {
    let key = account().await;
    let folder = TempDir::new().expect("a directory");
    let file = folder.path().join("credentials");
    let text = format!(
        "[default]\naws_access_key_id = AKIAWRONG00000000000\naws_secret_access_key = wrong\n\n\
         [work]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    fs::write(&file, text).expect("a file");
    let file = file.to_str().expect("a name");
    let environment = [("AWS_SHARED_CREDENTIALS_FILE", file)];
    assert_works(&probe(r#","profile":"work""#, &environment));
    // The profile that the environment names, where the binding names none.
    assert_works(&probe("", &[environment[0], ("AWS_PROFILE", "work")]));
    assert_refused(&probe("", &environment), &[TABLE]);
    assert_refused(&probe(r#","profile":"absent""#, &environment), &["absent"]);
    // A binding's own profile wins over the variables.
    let variables = [("AWS_ACCESS_KEY_ID", "AKIAWRONG00000000000"), ("AWS_SECRET_ACCESS_KEY", "wrong")];
    assert_works(&probe(r#","profile":"work""#, &[environment[0], variables[0], variables[1]]));
}

#[tokio::test]
async fn a_web_identity() {
    let _door = account().await;
    let folder = TempDir::new().expect("a directory");
    let token = folder.path().join("token");
    fs::write(&token, "a-signed-token").expect("a file");
    let sts = emulator("moto");
    let role = role(&sts).await;
    let environment = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().expect("a name")),
        ("AWS_ROLE_ARN", &*role),
        ("AWS_ROLE_SESSION_NAME", "probe"),
        ("AWS_REGION", REGION),
        ("AWS_ENDPOINT_URL_STS", &sts),
    ];
    assert_works(&probe("", &environment));
}

/// Plays the address of a container's credentials: gives out a key that expires in so many seconds, and counts.
async fn container(seconds: u64) -> (String, Arc<AtomicUsize>) {
    let expiry = SystemTime::now() + Duration::from_secs(seconds);
    let expiry = DateTime::from(expiry).fmt(DateTimeFormat::DateTime).expect("a date");
    let body = serde_json::json!({
        "AccessKeyId": "test", "SecretAccessKey": "test", "Token": "test", "Expiration": expiry,
    });
    answering(StatusCode::OK, body.to_string()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_near_their_end_are_asked_for_again() {
    // moto knows no tokens; who gives the key out is counted here, and not whether it is right.
    let (table, server) = (format!("container-{}", std::process::id()), emulator("dynoxide"));
    let keys = Credentials::Keys { id: "test".into(), secret: "test".into(), session_token: None };
    let options = DynamoDbOptions::new(&table, REGION).endpoint_url(&server).credentials(keys);
    let driver = DynamoDbDriver::open(options).await.expect("the options are right");
    create_table(&driver).await.expect("the table is made");
    let binding = format!(
        r#"{{"service":"dynamodb","tableName":"{table}","region":"{REGION}","endpointUrl":"{server}"}}"#
    );
    for (seconds, asked) in [(3_600, 1), (30, 2)] {
        let (url, count) = container(seconds).await;
        assert_works(&probe_binding(&binding, &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)]));
        assert_eq!(count.load(Ordering::SeqCst), asked, "with {seconds} s left");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_gives_credentials_may_be_down() {
    let _door = account().await;
    let folder = TempDir::new().expect("a directory");
    let token = folder.path().join("token");
    fs::write(&token, "hunter2-token").expect("a file");
    let token = token.to_str().expect("a name");
    let identity = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/cache"),
        ("AWS_ROLE_SESSION_NAME", "probe"),
        ("AWS_REGION", REGION),
    ];
    let (refusing, _) = answering(StatusCode::FORBIDDEN, "hunter2".to_owned()).await;
    let (failing, _) = answering(StatusCode::INTERNAL_SERVER_ERROR, "hunter2".to_owned()).await;
    for sts in ["http://127.0.0.1:1", &refusing, &failing] {
        let environment = [&identity[..], &[("AWS_ENDPOINT_URL_STS", sts)]].concat();
        let outcome = probe("", &environment);
        assert_eq!(outcome["kind"], "unavailable", "{sts}: {outcome}");
        let message = outcome["message"].as_str().expect("a message");
        assert!(message.contains("credentials") && message.contains(TABLE), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
        assert!(outcome["millis"].as_u64().expect("a time") < 10_000, "{outcome}");
    }
    // A refusal is none that passes: STS's own words, as its documentation gives them.
    for code in ["ExpiredTokenException", "InvalidIdentityToken", "AccessDenied"] {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>hunter2</Message></Error>\
             <RequestId>1</RequestId></ErrorResponse>"
        );
        let (sts, _) = answering(StatusCode::BAD_REQUEST, body).await;
        let outcome = probe("", &[&identity[..], &[("AWS_ENDPOINT_URL_STS", &sts)]].concat());
        assert_refused(&outcome, &["refused by who gives them", TABLE]);
        assert!(!outcome.to_string().contains("hunter2"), "{outcome}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_are_not_renewed_in_time_leave_nothing_in_doubt() {
    // A key that is as good as expired, and then no answer any more.
    let (first, _) = container(30).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address");
    let body = body_of(&first).await;
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = silent.accept().await {
            if open.is_empty() {
                // Its head, which is all that it has, comes at once.
                let _ = stream.read(&mut [0; 4_096]).await;
                let head =
                    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                let _ = stream.write_all([head, body.clone()].concat().as_bytes()).await;
                let _ = stream.shutdown().await;
            }
            open.push(stream);
        }
    });
    let (server, url) = (emulator("dynoxide"), format!("http://{address}/"));
    let binding = format!(
        r#"{{"service":"dynamodb","tableName":"none","region":"{REGION}","endpointUrl":"{server}"}}"#
    );
    let outcome = probe_binding(&binding, &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)]);
    assert_eq!(outcome["kind"], "unavailable", "no request was sent, so that none is in doubt: {outcome}");
    assert!(outcome["message"].as_str().expect("a message").contains("new credentials"), "{outcome}");
    assert!(outcome["millis"].as_u64().expect("a time") < 15_000, "{outcome}");
}

async fn body_of(url: &str) -> String {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let reply = client.get(url.parse().expect("a URL")).await.expect("it answers");
    let body = reply.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}

#[tokio::test]
async fn an_endpoint_of_the_environment_that_is_none_is_refused() {
    let binding = format!(r#"{{"service":"dynamodb","tableName":"{TABLE}","region":"{REGION}"}}"#);
    let keys = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"] {
        for url in ["dynamodb-local", "localhost:8000", "ftp://127.0.0.1", "http://user:hunter2@127.0.0.1"] {
            let outcome = probe_binding(&binding, &[keys[0], keys[1], (variable, url)]);
            assert_eq!(outcome["kind"], "not_configured", "{variable}={url}: {outcome}");
            let message = outcome["message"].as_str().expect("a message");
            assert!(message.contains(variable) && !message.contains("hunter2"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_server_that_the_environment_names() {
    let key = account().await;
    let moto = emulator("moto");
    let binding =
        |table: &str| format!(r#"{{"service":"dynamodb","tableName":"{table}","region":"{REGION}"}}"#);
    let keys = [("AWS_ACCESS_KEY_ID", &*key.id), ("AWS_SECRET_ACCESS_KEY", &key.secret)];
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"] {
        let environment = [keys[0], keys[1], (variable, &moto)];
        assert_works(&probe_binding(&binding(TABLE), &environment));
        // Errors name it.
        let outcome = probe_binding(&binding("no-such-table"), &environment);
        assert_eq!(outcome["kind"], "not_provisioned", "{outcome}");
        assert!(outcome["message"].as_str().expect("a message").contains(&moto), "{outcome}");
    }
}

#[tokio::test]
async fn no_credentials_anywhere() {
    let _door = account().await;
    let outcome = probe("", &[]);
    assert_refused(&outcome, &["no credentials", "AWS_ACCESS_KEY_ID", "web identity", TABLE]);
}
