//! The forms of a binding, in JSON, and what is read from them.

mod support;

use larder::Binding;
use larder::binding::{Durability, PlainHttp, TableCredential};

use support::{dynamodb, firestore, gateway, local, read, tables};

#[test]
fn dynamodb_with_all_fields() {
    let binding = dynamodb(
        r#"{"service":"dynamodb","tableName":"acme-cache","region":"eu-central-1",
            "endpointUrl":"http://127.0.0.1:8000","accessKeyId":"AKIAhunter2",
            "secretAccessKey":{"env":"KEY"},"sessionToken":"token-hunter2"}"#,
    );
    assert_eq!(binding.table_name, "acme-cache");
    assert_eq!(binding.region, "eu-central-1");
    assert_eq!(binding.endpoint_url.as_deref(), Some("http://127.0.0.1:8000"));
    let credentials = binding.credentials.expect("credentials");
    assert_eq!(credentials.access_key_id.expose(), "AKIAhunter2");
    assert_eq!(credentials.secret_access_key.expose(), "hunter2");
    assert_eq!(credentials.session_token.expect("a token").expose(), "token-hunter2");
}

#[test]
fn dynamodb_with_the_least_fields() {
    let binding = dynamodb(r#"{"service":"dynamodb","tableName":"cache","region":"us-east-1"}"#);
    assert!(binding.endpoint_url.is_none() && binding.credentials.is_none());
    let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/cache";
    let binding = dynamodb(&format!(r#"{{"service":"dynamodb","tableName":"{arn}","region":"us-east-1"}}"#));
    assert_eq!(binding.table_name, arn);
}

#[test]
fn firestore_with_all_fields_and_the_least() {
    let binding = firestore(
        r#"{"service":"firestore","projectId":"acme","databaseId":"main","collectionName":"kv-cache",
            "endpointUrl":"http://localhost:8080","credentialsFile":"/etc/shop/key.json"}"#,
    );
    assert_eq!(binding.credentials_file.as_deref(), Some("/etc/shop/key.json"));
    assert_eq!(binding.project_id, "acme");
    assert_eq!(binding.database_id, "main");
    assert_eq!(binding.collection_name, "kv-cache");
    assert_eq!(binding.endpoint_url.as_deref(), Some("http://localhost:8080"));

    let binding = firestore(r#"{"service":"firestore","projectId":"acme","collectionName":"cache"}"#);
    assert_eq!(binding.database_id, "(default)");
    assert!(binding.endpoint_url.is_none() && binding.credentials_file.is_none());
}

#[test]
fn tablestorage_with_either_credential_and_with_none() {
    let binding = tables(
        r#"{"service":"tablestorage","accountName":"acme","tableName":"cache","resourceGroupName":"acme (prod)",
            "endpointUrl":"http://127.0.0.1:10002/devstoreaccount1","accountKey":{"env":"BASE64"}}"#,
    );
    assert_eq!(binding.account_name, "acme");
    assert_eq!(binding.table_name, "cache");
    assert_eq!(binding.resource_group_name.as_deref(), Some("acme (prod)"));
    assert_eq!(binding.endpoint_url.as_deref(), Some("http://127.0.0.1:10002/devstoreaccount1"));
    assert!(
        matches!(binding.credential, Some(TableCredential::AccountKey(key)) if key.expose() == "aHVudGVyMg==")
    );

    // The portal shows the token with a question mark before it.
    let binding = tables(
        r#"{"service":"tablestorage","accountName":"acme","tableName":"cache","sasToken":"?sv=2022&sig=hunter2"}"#,
    );
    assert!(
        matches!(binding.credential, Some(TableCredential::SasToken(token)) if token.expose() == "sv=2022&sig=hunter2")
    );

    let text = "AccountName=acme;AccountKey=aHVudGVyMg==";
    let binding = tables(&format!(
        r#"{{"service":"tablestorage","accountName":"acme","tableName":"cache","connectionString":"{text}"}}"#
    ));
    assert!(
        matches!(binding.credential, Some(TableCredential::ConnectionString(given)) if given.expose() == text)
    );

    let binding = tables(r#"{"service":"tablestorage","accountName":"acme","tableName":"cache"}"#);
    assert!(binding.credential.is_none() && binding.resource_group_name.is_none());
}

#[test]
fn local_kv_with_all_fields_and_the_least() {
    let binding = local(
        r#"{"service":"local-kv","dataDir":"/var/lib/larder","keyPrefix":"cache","durability":"interval"}"#,
    );
    assert_eq!(binding.data_dir.to_str(), Some("/var/lib/larder"));
    assert_eq!(binding.key_prefix.as_deref(), Some("cache"));
    assert_eq!(binding.durability, Durability::Interval);

    let binding =
        local(r#"{"service":"local-kv","dataDir":"data","keyPrefix":"cache:","durability":"flush"}"#);
    assert_eq!(binding.key_prefix.as_deref(), Some("cache"), "a colon may be given");
    assert_eq!(binding.durability, Durability::Flush);

    let binding = local(r#"{"service":"local-kv","dataDir":"data"}"#);
    assert!(binding.key_prefix.is_none());
    assert_eq!(binding.durability, Durability::Flush, "durable unless told");
}

#[test]
fn gateway_fields_and_defaults() {
    let binding = gateway(
        r#"{"service":"gateway","url":"https://kv.example.com/base","apiKey":{"env":"KEY"},"binding":"cache"}"#,
    );
    assert_eq!(binding.url, "https://kv.example.com/base");
    assert_eq!(binding.api_key.as_ref().expect("a key").expose(), "hunter2");
    assert_eq!(binding.binding, "cache");
    assert_eq!(binding.plain_http, PlainHttp::Loopback, "nothing in the clear unless told");
    let binding =
        gateway(r#"{"service":"gateway","url":"http://10.0.0.1","binding":"cache","plainHttp":"anywhere"}"#);
    assert!(binding.api_key.is_none());
    assert_eq!(binding.plain_http, PlainHttp::Anywhere);
}

#[test]
fn every_string_can_come_from_a_variable() {
    let binding = dynamodb(r#"{"service":"dynamodb","tableName":{"env":"TABLE"},"region":"us-east-1"}"#);
    assert_eq!(binding.table_name, "from-variable");

    let environment = [("SERVICE", "local-kv"), ("DIR", "data"), ("PREFIX", "p:"), ("WHEN", "interval")];
    let text = r#"{"service":{"env":"SERVICE"},"dataDir":{"env":"DIR"},
                   "keyPrefix":{"env":"PREFIX"},"durability":{"env":"WHEN"}}"#;
    let bindings =
        larder::Bindings::from_map([("cache", text)]).with_environment(environment.into_iter().collect());
    let Binding::LocalKv(binding) = bindings.binding("cache").expect("a binding") else {
        panic!("no local-kv")
    };
    assert_eq!(binding.data_dir.to_str(), Some("data"));
    assert_eq!(binding.key_prefix.as_deref(), Some("p"));
    assert_eq!(binding.durability, Durability::Interval);
}

#[test]
fn a_variable_is_taken_literally() {
    let text = r#"{"service":"local-kv","dataDir":{"env":"DIR"}}"#;
    let environment = [("DIR", r#"{"env":"OTHER"}"#), ("OTHER", "data")];
    let bindings =
        larder::Bindings::from_map([("cache", text)]).with_environment(environment.into_iter().collect());
    let Binding::LocalKv(binding) = bindings.binding("cache").expect("a binding") else {
        panic!("no local-kv")
    };
    assert_eq!(binding.data_dir.to_str(), Some(r#"{"env":"OTHER"}"#));
}

#[test]
fn white_space_around_a_binding_does_not_matter() {
    let binding = local("\n  {\"service\":\"local-kv\",\"dataDir\":\"data\"}\n");
    assert_eq!(binding.data_dir.to_str(), Some("data"));
    assert_eq!(local(" local-kv:data\n").data_dir.to_str(), Some("data"));
}

#[test]
fn debug_output_shows_no_credential() {
    for text in [
        r#"{"service":"dynamodb","tableName":"cache","region":"us-east-1","accessKeyId":"hunter2",
            "secretAccessKey":"hunter2","sessionToken":"hunter2"}"#,
        r#"{"service":"tablestorage","accountName":"acme","tableName":"cache","accountKey":{"env":"BASE64"}}"#,
        r#"{"service":"tablestorage","accountName":"acme","tableName":"cache","sasToken":"sig=hunter2"}"#,
        r#"{"service":"gateway","url":"https://example.com","apiKey":"hunter2","binding":"cache"}"#,
    ] {
        let binding = read(text).expect("a binding");
        let shown = format!("{binding:?} {binding:#?}");
        assert!(shown.contains("<redacted>"), "{shown}");
        assert!(!shown.contains(support::SECRET) && !shown.contains("aHVudGVyMg"), "{shown}");
    }
    let bindings = larder::Bindings::from_map([("cache", r#"{"apiKey":"hunter2"}"#)])
        .with_environment(support::variables());
    let context = larder::Context::new(bindings);
    assert!(!format!("{context:?}").contains(support::SECRET));
    assert!(!format!("{:?}", support::variables()).contains(support::SECRET));
}

#[test]
fn the_registry_lists_every_service() {
    let listed: Vec<_> = larder::SERVICES
        .iter()
        .map(|service| (service.name(), service.feature(), service.scheme()))
        .collect();
    assert_eq!(
        listed,
        [
            ("dynamodb", "aws", "dynamodb"),
            ("firestore", "gcp", "firestore"),
            ("tablestorage", "azure", "tablestorage"),
            ("local-kv", "local", "local-kv"),
            ("gateway", "gateway", "gateway"),
        ]
    );
    let compiled_in = larder::SERVICES.iter().filter(|service| service.is_compiled_in());
    let features = [
        cfg!(feature = "aws"),
        cfg!(feature = "azure"),
        cfg!(feature = "gateway"),
        cfg!(feature = "gcp"),
        cfg!(feature = "local"),
    ];
    assert_eq!(compiled_in.count(), features.into_iter().filter(|is_on| *is_on).count());
}
