//! Bad bindings: each is refused with the place that is wrong, and nothing shows a secret.
//!
//! Every credential in these bindings holds `hunter2`; `refused` fails for an error that shows it.

mod support;

use support::{refusal, refused, variables};

/// Bindings of one service with one field replaced or added.
struct Form(&'static [(&'static str, &'static str)]);

const DYNAMODB: Form =
    Form(&[("service", r#""dynamodb""#), ("tableName", r#""cache""#), ("region", r#""us-east-1""#)]);
const FIRESTORE: Form =
    Form(&[("service", r#""firestore""#), ("projectId", r#""acme""#), ("collectionName", r#""cache""#)]);
const TABLES: Form =
    Form(&[("service", r#""tablestorage""#), ("accountName", r#""acme""#), ("tableName", r#""cache""#)]);
const LOCAL: Form = Form(&[("service", r#""local-kv""#), ("dataDir", r#""data""#)]);
const GATEWAY: Form =
    Form(&[("service", r#""gateway""#), ("url", r#""https://example.com""#), ("binding", r#""cache""#)]);
const FORMS: [&Form; 5] = [&DYNAMODB, &FIRESTORE, &TABLES, &LOCAL, &GATEWAY];

impl Form {
    fn with(&self, fields: &[(&str, &str)]) -> String {
        let own = self.0.iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name));
        json(own.chain(fields))
    }

    fn without(&self, field: &str) -> String {
        json(self.0.iter().filter(|(name, _)| *name != field))
    }

    fn fields(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(name, _)| *name).skip(1)
    }
}

fn json<'a>(fields: impl Iterator<Item = &'a (&'a str, &'a str)>) -> String {
    let members: Vec<_> = fields.map(|(name, json)| format!("{name:?}:{json}")).collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn what_is_neither_json_nor_a_known_url() {
    for text in [
        "hunter2",
        "hunter2:hunter2@host",
        r"C:\hunter2",
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=hunter2;EndpointSuffix=core.windows.net",
        "local-kv",
        "[1,2]",
    ] {
        assert_eq!(
            refused(text),
            r#""cache" in the map of bindings: the binding is neither a JSON object nor a URL of a service; known are dynamodb, firestore, tablestorage, local-kv, gateway"#,
            "{text}"
        );
    }
}

#[test]
fn json_that_cannot_be_parsed_is_not_quoted() {
    for text in [
        r#"{"service":"gateway","apiKey":"hunter2""#,
        r#"{"apiKey":"hunter2"} hunter2"#,
        r#"{"apiKey":hunter2}"#,
        r#"{'apiKey':'hunter2'}"#,
        r#"{"apiKey":"\u12hunter2"}"#,
    ] {
        let message = refused(text);
        assert!(message.contains("it is not valid JSON (line 1, column "), "{message}");
    }
}

#[test]
fn an_empty_binding() {
    for text in ["", "  \n"] {
        assert!(refused(text).contains("the binding is empty"));
    }
}

#[test]
fn the_service_is_missing_or_unknown() {
    let known = "known are dynamodb, firestore, tablestorage, local-kv, gateway";
    assert!(refused(r#"{"apiKey":"hunter2"}"#).ends_with(&format!("service is missing; {known}")));
    assert!(
        refused(r#"{"service":"redis","url":"hunter2"}"#)
            .ends_with(&format!(r#"the service "redis" is unknown; {known}"#))
    );
    assert!(
        refused("redis://:hunter2@host/1").ends_with(&format!(r#"the service "redis" is unknown; {known}"#))
    );
    // What comes from a variable may be anything, and only the variable is named.
    assert!(
        refused(r#"{"service":{"env":"KEY"}}"#)
            .ends_with(&format!(r#"the service (from the variable "KEY") is unknown; {known}"#))
    );
    assert!(refused(r#"{"service":5}"#).contains("service is a number"));
    assert!(
        refused(r#"{"service":"local-kv","service":"gateway","dataDir":"d"}"#)
            .contains("service is given twice")
    );
}

#[test]
fn an_unknown_key_is_named_with_the_known_ones() {
    for form in FORMS {
        let message = refused(&form.with(&[("tablename", r#""hunter2""#)]));
        assert!(message.contains(r#"the key "tablename" is unknown; known are "#), "{message}");
        for field in form.fields() {
            assert!(message.contains(field), "{message}");
        }
    }
    let message = refused(r#"{"service":"local-kv","path":"data"}"#);
    assert!(
        message.ends_with(r#"the key "path" is unknown; known are dataDir, keyPrefix, durability"#),
        "{message}"
    );
    let message = refused("local-kv:data?prefix=hunter2");
    assert!(
        message.ends_with(r#"the key "prefix" is unknown; known are dataDir, keyPrefix, durability"#),
        "{message}"
    );
}

#[test]
fn a_key_that_looks_like_a_secret_is_not_shown() {
    let message = refused("dynamodb://cache?hunter2/wJalrXUtnFEMIK7MDENGbPxRfiCY");
    assert!(message.contains("the key (of 36 bytes, not shown) is unknown"), "{message}");
    let message = refused(r#"{"service":"gateway","apiKey":{"env":"hunter2wJalrXUtnFEMIK7MDENGbPxRfiCY"}}"#);
    assert!(message.contains("the variable (of 35 bytes, not shown) is not set"), "{message}");
}

#[test]
fn a_required_field_is_missing() {
    for form in FORMS {
        for field in form.fields() {
            assert!(refused(&form.without(field)).ends_with(&format!("{field} is missing")), "{field}");
        }
    }
    assert!(refused("dynamodb://cache").ends_with("region is missing"));
}

#[test]
fn an_empty_field_is_refused() {
    for form in FORMS {
        for field in form.fields() {
            assert!(
                refused(&form.with(&[(field, r#""""#)])).ends_with(&format!("{field} is empty")),
                "{field}"
            );
        }
    }
    for (form, field) in [
        (&DYNAMODB, "endpointUrl"),
        (&DYNAMODB, "secretAccessKey"),
        (&FIRESTORE, "databaseId"),
        (&FIRESTORE, "credentialsFile"),
        (&TABLES, "accountKey"),
        (&TABLES, "sasToken"),
        (&TABLES, "resourceGroupName"),
        (&LOCAL, "keyPrefix"),
        (&LOCAL, "durability"),
    ] {
        assert!(refused(&form.with(&[(field, r#""""#)])).ends_with(&format!("{field} is empty")), "{field}");
    }
    for (url, field) in [
        ("local-kv:", "dataDir"),
        ("local-kv://", "dataDir"),
        ("local-kv:?keyPrefix=p", "dataDir"),
        ("dynamodb://?region=us-east-1", "tableName"),
        ("dynamodb://cache?region=", "region"),
        ("dynamodb://cache?region", "region"),
        ("firestore://acme//cache", "databaseId"),
        ("tablestorage://acme/", "tableName"),
    ] {
        assert!(refused(url).ends_with(&format!("{field} is empty")), "{url}");
    }
}

#[test]
fn an_empty_variable_names_the_field_and_the_variable() {
    let message = refused(&GATEWAY.with(&[("apiKey", r#"{"env":"EMPTY"}"#)]));
    assert_eq!(message, r#""cache" in the map of bindings: apiKey is empty (from the variable "EMPTY")"#);
}

#[test]
fn an_unset_variable_names_the_field_and_the_variable() {
    let message = refused(&GATEWAY.with(&[("apiKey", r#"{"env":"GATEWAY_KEY"}"#)]));
    assert_eq!(message, r#""cache" in the map of bindings: apiKey: the variable "GATEWAY_KEY" is not set"#);
    let message = refused(&GATEWAY.with(&[("apiKey", r#"{"env":""}"#)]));
    assert_eq!(message, r#""cache" in the map of bindings: apiKey: the variable "" is not set"#);
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf8_names_the_field_and_the_variable() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let environment = [("KEY", OsString::from_vec(b"hunter2\xff".to_vec()))].into_iter().collect();
    let text = GATEWAY.with(&[("apiKey", r#"{"env":"KEY"}"#)]);
    let bindings = larder::Bindings::from_map([("cache", text)]).with_environment(environment);
    let message = refusal(bindings.binding("cache").map(drop), "cache");
    assert!(message.ends_with(r#"apiKey: the variable "KEY" is not UTF-8"#), "{message}");
}

#[test]
fn a_field_is_a_string_or_a_reference() {
    for (json, kind) in [
        ("5", "a number"),
        ("-5", "a number"),
        ("1.5", "a number"),
        ("true", "a boolean"),
        ("null", "null"),
        (r#"["hunter2",{"a":[]}]"#, "a list"),
        (r#"{"hunter2":"hunter2"}"#, "an object"),
        (r#"{"env":5}"#, "an object"),
        (r#"{"env":"A","other":"hunter2"}"#, "an object"),
        (r#"{"env":"A","env":"B"}"#, "an object"),
        (r#"{}"#, "an object"),
        (r#"{"secretRef":{"name":"hunter2","key":"hunter2"}}"#, "an object"),
    ] {
        let message = refused(&GATEWAY.with(&[("apiKey", json)]));
        let expected = format!(r#"apiKey is {kind}; it must be a string or {{"env":"VAR"}}"#);
        assert!(message.ends_with(&expected), "{message}");
    }
    let message = refused(&GATEWAY.with(&[("apiKey", r#"{"envRef":"KEY"}"#)]));
    assert!(message.ends_with(r#"apiKey is an "envRef"; here that is {"env":"VAR"}"#), "{message}");
}

#[test]
fn a_field_is_given_once() {
    let message = refused(r#"{"service":"local-kv","dataDir":"a","dataDir":"b"}"#);
    assert!(message.ends_with("dataDir is given twice"), "{message}");
    assert!(refused("local-kv:a?keyPrefix=a&keyPrefix=b").ends_with("keyPrefix is given twice"));
    assert!(refused("dynamodb://cache?region=a&tableName=b").ends_with("tableName is given twice"));
}

#[test]
fn a_line_break_at_the_end_of_a_credential_is_refused() {
    for json in [r#""hunter2\n""#, r#"" hunter2""#, r#""hun\u0000ter2""#] {
        let message = refused(&GATEWAY.with(&[("apiKey", json)]));
        assert!(message.ends_with("apiKey holds a control character, or white space at an end"), "{message}");
    }
}

#[test]
fn half_a_credential_is_refused() {
    let message = refused(&DYNAMODB.with(&[("accessKeyId", r#""hunter2""#)]));
    assert!(message.ends_with("secretAccessKey is missing; accessKeyId needs it"), "{message}");
    let message = refused(&DYNAMODB.with(&[("secretAccessKey", r#""hunter2""#)]));
    assert!(message.ends_with("accessKeyId is missing; secretAccessKey needs it"), "{message}");
    let both = [("profile", r#""work""#), ("accessKeyId", r#""a""#), ("secretAccessKey", r#""hunter2""#)];
    let message = refused(&DYNAMODB.with(&both));
    assert!(message.ends_with("profile and accessKeyId are given both; give one of them"), "{message}");
    let message = refused(&DYNAMODB.with(&[("sessionToken", r#""hunter2""#)]));
    assert!(message.ends_with("sessionToken needs accessKeyId and secretAccessKey beside it"), "{message}");
}

#[test]
fn two_credentials_are_refused() {
    let message =
        refused(&TABLES.with(&[("accountKey", r#""aHVudGVyMg==""#), ("sasToken", r#""sig=hunter2""#)]));
    assert!(message.ends_with("accountKey and sasToken are both given; give one"), "{message}");
}

#[test]
fn credentials_that_cannot_be_used_are_refused() {
    let message = refused(&TABLES.with(&[("accountKey", r#""hunter2!""#)]));
    assert!(message.ends_with("accountKey must be base64, as the portal shows it"), "{message}");
    for token in [r#""hunter2""#, r#""sv=2022&sig=""#, r#""hunter2sig=a""#] {
        let message = refused(&TABLES.with(&[("sasToken", token)]));
        assert!(message.contains("sasToken must be the query of a shared access signature"), "{message}");
    }
    for key in [r#""hunter2 a""#, r#""hunter2ä""#] {
        let message = refused(&GATEWAY.with(&[("apiKey", key)]));
        assert!(message.contains("apiKey must be of visible ASCII characters"), "{message}");
    }
}

#[test]
fn names_that_the_platform_does_not_know_are_refused() {
    for (form, field, values) in [
        (&DYNAMODB, "tableName", &["ab", "a b", "hunter2/b", "arn:aws:hunter2", "ä-table"][..]),
        (&DYNAMODB, "region", &["us east", "us-east-1.hunter2.com/", "us-east-1#"]),
        (&FIRESTORE, "projectId", &["acme/hunter2", ".", ".."]),
        (&FIRESTORE, "databaseId", &["a/b", ".."]),
        (&FIRESTORE, "collectionName", &["a/b", ".", "..", "__hunter2__", "____"]),
        (
            &TABLES,
            "accountName",
            &["ab", "Acme", "a-b-c", "hunter2.example.com", "aaaaaaaaaaaaaaaaaaaaaaaaa"],
        ),
        (&TABLES, "tableName", &["ab", "1cache", "my-cache", "hunter2_b"]),
        (&GATEWAY, "binding", &["a b", "hunter2/b", "a:"]),
    ] {
        for value in values {
            let message = refused(&form.with(&[(field, &format!("{value:?}"))]));
            assert!(message.contains(&format!("{field} must be ")), "{value}: {message}");
        }
    }
}

#[test]
fn a_key_prefix_is_a_resource_id() {
    for prefix in ["a b", "app/", ":", "cache::", "hunter2!", &"a".repeat(65)] {
        let message = refused(&LOCAL.with(&[("keyPrefix", &format!("{prefix:?}"))]));
        assert!(message.contains("keyPrefix must be a resource id"), "{prefix}: {message}");
    }
}

#[test]
fn durability_is_one_of_two_words() {
    for durability in ["hunter2", "Flush", "none"] {
        let message = refused(&LOCAL.with(&[("durability", &format!("{durability:?}"))]));
        assert!(message.ends_with(r#"durability must be "flush" or "interval""#), "{message}");
    }
}

#[test]
fn plain_http_is_one_of_two_words() {
    for allowed in ["hunter2", "Anywhere", "yes"] {
        let message = refused(&GATEWAY.with(&[("plainHttp", &format!("{allowed:?}"))]));
        assert!(message.ends_with(r#"plainHttp must be "loopback" or "anywhere""#), "{message}");
    }
}

#[test]
fn an_endpoint_is_the_address_of_a_server() {
    for (url, rule) in [
        ("localhost:8000", "begins with http:// or https://"),
        ("ftp://localhost", "begins with http:// or https://"),
        ("://localhost", "begins with http:// or https://"),
        ("https://user:hunter2@localhost", "credentials have fields of their own"),
        ("https://localhost/?sig=hunter2", "credentials have fields of their own"),
        ("https://localhost/#hunter2", "credentials have fields of their own"),
        ("http://", "must be a URL as http://host"),
        ("http:///path", "must be a URL as http://host"),
        ("http://local host", "must be a URL as http://host"),
        ("http://localhost:", "must be a URL as http://host"),
        ("http://localhost:0", "must be a URL as http://host"),
        ("http://localhost:65536", "must be a URL as http://host"),
        ("http://localhost:8000x", "must be a URL as http://host"),
        ("http://[::1", "must be a URL as http://host"),
        ("http://[hunter2]:80", "must be a URL as http://host"),
        ("http://[::1]80", "must be a URL as http://host"),
    ] {
        for (form, field) in [
            (&DYNAMODB, "endpointUrl"),
            (&FIRESTORE, "endpointUrl"),
            (&TABLES, "endpointUrl"),
            (&GATEWAY, "url"),
        ] {
            let message = refused(&form.with(&[(field, &format!("{url:?}"))]));
            assert!(message.contains(field) && message.contains(rule), "{url}: {message}");
        }
    }
}

#[test]
fn one_malformed_binding_does_not_break_others() {
    let bindings = larder::Bindings::from_map([
        ("broken", r#"{"apiKey":"hunter2"#),
        ("unknown", "redis://hunter2"),
        ("cache", "local-kv:data"),
    ])
    .with_environment(variables());
    assert!(bindings.binding("cache").is_ok());
    refusal(bindings.binding("broken").map(drop), "broken");
    refusal(bindings.binding("unknown").map(drop), "unknown");
}

#[tokio::test]
async fn a_bad_id_is_refused_before_anything() {
    // An environment that would be an error if it were looked at.
    let environment = [("LARDER_BINDINGS", "hunter2")].into_iter().collect();
    let bindings = larder::Bindings::from_env().with_environment(environment);
    for id in ["", "a b", "a:b", "a/b", "ä", "../x", &"a".repeat(65)] {
        for error in [bindings.binding(id).map(drop), bindings.load_kv(id).await.map(drop)] {
            let error = error.expect_err("no resource id");
            assert_eq!(error.kind(), larder::ErrorKind::InvalidInput, "{id}");
            assert!(error.message().contains("1 to 64 characters of A-Z a-z 0-9 - _"), "{error}");
        }
    }
}
