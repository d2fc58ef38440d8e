//! Where a `tablestorage` binding gets its credentials from: its own fields, checked by Azurite, and the environment, played
//! on loopback.

use std::fs;
use std::process::Command;

use integration_tests::entra::{ACCOUNT, Entra};
use integration_tests::program::Program;
use integration_tests::tables::Table;
use larder_conformance::emulator;
use larder_tables::testing::{EMULATOR_ACCOUNT, EMULATOR_KEY, signature};
use serde_json::Value;
use tempfile::TempDir;

/// Runs the probe with a binding, and nothing else in its environment than this.
async fn probe(binding: String, environment: &[(&'static str, &str)]) -> Value {
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    // The servers that it asks run on this runtime.
    let run = move || {
        let home = TempDir::new().expect("a directory");
        let mut command = Command::new(env!("CARGO_BIN_EXE_binding-probe"));
        command
            .env_clear()
            .env("HOME", home.path())
            .env("LARDER_PROBE_BINDING", binding)
            // The address of a machine's own identity, where nobody listens.
            .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")
            .envs(environment);
        let (status, lines) = Program::start(&mut command).end();
        assert!(status.success(), "{lines:?}");
        serde_json::from_str(&lines[0]).expect("JSON")
    };
    tokio::task::spawn_blocking(run).await.expect("it runs")
}

/// A binding on the emulator.
fn on_azurite(table: &Table, fields: &str) -> String {
    let (url, name) = (emulator("azurite"), table.name());
    format!(
        r#"{{"service":"tablestorage","accountName":"{EMULATOR_ACCOUNT}","tableName":"{name}","endpointUrl":"{url}"{fields}}}"#
    )
}

/// A binding on the table that takes tokens.
fn on_tokens(entra: &Entra, fields: &str) -> String {
    let url = entra.url();
    format!(
        r#"{{"service":"tablestorage","accountName":"{ACCOUNT}","tableName":"cache","endpointUrl":"{url}"{fields}}}"#
    )
}

#[track_caller]
fn assert_works(outcome: &Value) {
    assert_eq!(outcome["value"], "written", "{outcome}");
}

#[track_caller]
fn assert_refused(outcome: &Value, kind: &str, words: &[&str]) {
    assert_eq!(outcome["kind"], kind, "{outcome}");
    let message = outcome["message"].as_str().expect("a message");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message}");
    }
    assert!(outcome["millis"].as_u64().expect("a time") < 10_000, "{outcome}");
}

#[tokio::test]
async fn the_bindings_own_credentials() {
    let table = Table::create().await;
    let key = |key: &str| on_azurite(&table, &format!(r#","accountKey":"{key}""#));
    assert_works(&probe(key(EMULATOR_KEY), &[]).await);
    let wrong = probe(key("aHVudGVyMg=="), &[]).await;
    assert_refused(&wrong, "unauthorized", &[table.name(), "check the account's name and key"]);
    assert!(!wrong.to_string().contains("aHVudGVyMg"), "{wrong}");

    let sas = signature("rwdlacup", 3_600).expect("a signature");
    assert_works(&probe(on_azurite(&table, &format!(r#","sasToken":"?{sas}""#)), &[]).await);

    let text = |account: &str| {
        let string = format!("AccountName={account};AccountKey={EMULATOR_KEY}");
        on_azurite(&table, &format!(r#","connectionString":"{string}""#))
    };
    assert_works(&probe(text(EMULATOR_ACCOUNT), &[]).await);
    assert_refused(&probe(text("other"), &[]).await, "invalid_input", &["another account than accountName"]);

    // The binding's own credential goes before the environment's.
    let environment = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c"), ("AZURE_CLIENT_SECRET", "s")];
    assert_works(&probe(key(EMULATOR_KEY), &environment).await);
}

#[tokio::test]
async fn a_client_secret_of_the_environment() {
    let entra = Entra::start().await;
    let environment = [
        ("AZURE_AUTHORITY_HOST", entra.url()),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "client"),
        ("AZURE_CLIENT_SECRET", "hunter2"),
    ];
    assert_works(&probe(on_tokens(&entra, ""), &environment).await);
    let asked = entra.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].starts_with("/tenant/oauth2/v2.0/token "), "{asked:?}");
    assert!(asked[0].contains("client_secret=hunter2"), "{asked:?}");

    let half = probe(on_tokens(&entra, ""), &environment[3..]).await;
    assert_refused(&half, "unauthorized", &["AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"]);
    assert!(!half.to_string().contains("hunter2"), "{half}");
}

#[tokio::test]
async fn a_workload_identity_of_the_environment() {
    let entra = Entra::start().await;
    let folder = TempDir::new().expect("a directory");
    let file = folder.path().join("token");
    fs::write(&file, "federated").expect("a file");
    let environment = [
        ("AZURE_AUTHORITY_HOST", entra.url()),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "client"),
        ("AZURE_FEDERATED_TOKEN_FILE", file.to_str().expect("UTF-8")),
    ];
    assert_works(&probe(on_tokens(&entra, ""), &environment).await);
    assert!(entra.asked()[0].contains("client_assertion=federated"), "{:?}", entra.asked());
}

#[tokio::test]
async fn a_managed_identity() {
    let entra = Entra::start().await;
    let machine = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", entra.url()), ("AZURE_CLIENT_ID", "client")];
    assert_works(&probe(on_tokens(&entra, ""), &machine).await);
    let asked = entra.asked();
    assert!(asked[0].starts_with("/metadata/identity/oauth2/token?"), "{asked:?}");
    assert!(asked[0].contains("client_id=client") && asked[0].contains("metadata=true"), "{asked:?}");

    let endpoint = format!("{}/msi/token", entra.url());
    let app_service = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IDENTITY_HEADER", "secret-header")];
    assert_works(&probe(on_tokens(&entra, ""), &app_service).await);
    let asked = entra.asked();
    assert!(asked[1].starts_with("/msi/token?"), "{asked:?}");
    assert!(asked[1].contains("x-identity-header=secret-header"), "{asked:?}");
}

#[tokio::test]
async fn no_credentials_at_all() {
    let entra = Entra::start().await;
    let outcome = probe(on_tokens(&entra, ""), &[]).await;
    let words = [
        "no credentials of Azure",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
        "machine's identity",
    ];
    assert_refused(&outcome, "unauthorized", &words);
}

#[tokio::test]
async fn a_token_service_that_is_down() {
    let entra = Entra::start().await;
    let environment = [
        ("AZURE_AUTHORITY_HOST", "http://127.0.0.1:1"),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_CLIENT_ID", "client"),
        ("AZURE_CLIENT_SECRET", "hunter2"),
    ];
    let outcome = probe(on_tokens(&entra, ""), &environment).await;
    assert_refused(&outcome, "unavailable", &["token service is down", "cannot be reached"]);
}
