//! Bindings whose driver is not compiled in: read, checked, and then refused with what would help.

mod support;

use larder::{Bindings, ErrorKind, SERVICES};

use support::{refusal, refusal_of_kind};

const BINDINGS: [(&str, &str); 5] = [
    ("dynamodb", "dynamodb://cache?region=us-east-1"),
    ("firestore", "firestore://acme/(default)/cache"),
    ("tablestorage", "tablestorage://acme/cache"),
    ("local-kv", "local-kv:target/never-opened"),
    ("gateway", r#"{"service":"gateway","url":"https://example.com","apiKey":"hunter2","binding":"cache"}"#),
];

/// What this build has, as the error lists it.
fn there() -> String {
    let mut there = Vec::new();
    if cfg!(feature = "aws") {
        there.push(r#"dynamodb (feature "aws")"#);
    }
    if cfg!(feature = "gcp") {
        there.push(r#"firestore (feature "gcp")"#);
    }
    if cfg!(feature = "azure") {
        there.push(r#"tablestorage (feature "azure")"#);
    }
    if cfg!(feature = "local") {
        there.push(r#"local-kv (feature "local")"#);
    }
    if cfg!(feature = "gateway") {
        there.push(r#"gateway (feature "gateway")"#);
    }
    if there.is_empty() { "none".to_owned() } else { there.join(", ") }
}

#[tokio::test]
async fn the_error_says_which_feature_and_what_is_there() {
    let there = there();
    for (service, text) in BINDINGS {
        let known = SERVICES.iter().find(|known| known.name() == service).expect("a service");
        if known.is_compiled_in() {
            continue;
        }
        let bindings = Bindings::from_map([("cache", text)]);
        assert_eq!(bindings.binding("cache").expect("a binding").service(), service);
        let message =
            refusal_of_kind(ErrorKind::Unsupported, bindings.load_kv("cache").await.map(drop), "cache");
        let feature = known.feature();
        assert_eq!(
            message,
            format!("this build has no driver for {service:?} (feature {feature:?}); compiled in: {there}")
        );
    }
}

#[tokio::test]
async fn a_malformed_binding_is_refused_as_malformed_first() {
    let bindings = Bindings::from_map([("cache", "dynamodb://cache")]);
    let message = refusal(bindings.load_kv("cache").await.map(drop), "cache");
    assert!(message.ends_with("region is missing"), "{message}");
}

#[cfg(not(feature = "local"))]
#[tokio::test]
async fn a_local_directory_needs_its_feature() {
    let message = refusal_of_kind(
        ErrorKind::Unsupported,
        Bindings::local("data").load_kv("cache").await.map(drop),
        "cache",
    );
    let there = there();
    assert_eq!(
        message,
        format!(r#"this build has no driver for "local-kv" (feature "local"); compiled in: {there}"#)
    );
}
