//! The forms of a binding as a URL: what is read from them, and what is refused.

mod support;

use larder::binding::Durability;

use support::{dynamodb, firestore, gateway, local, refused, tables};

#[test]
fn a_dynamodb_url() {
    let binding = dynamodb("dynamodb://Acme_Cache.1?region=eu-central-1&endpointUrl=http://127.0.0.1:8000");
    assert_eq!(binding.table_name, "Acme_Cache.1", "its case stays");
    assert_eq!(binding.region, "eu-central-1");
    assert_eq!(binding.endpoint_url.as_deref(), Some("http://127.0.0.1:8000"));

    let escaped = dynamodb("dynamodb://cache?region=us-east-1&endpointUrl=http%3A%2F%2F127.0.0.1%3A8000%2f");
    assert_eq!(escaped.endpoint_url.as_deref(), Some("http://127.0.0.1:8000/"));

    let arn = dynamodb("dynamodb://arn:aws:dynamodb:us-east-1:123456789012:table%2Fcache?region=us-east-1");
    assert_eq!(arn.table_name, "arn:aws:dynamodb:us-east-1:123456789012:table/cache");
}

#[test]
fn a_firestore_url() {
    let binding = firestore("firestore://acme/(default)/kv-cache?endpointUrl=http://[::1]:8080");
    assert_eq!(binding.project_id, "acme");
    assert_eq!(binding.database_id, "(default)");
    assert_eq!(binding.collection_name, "kv-cache");
    assert_eq!(binding.endpoint_url.as_deref(), Some("http://[::1]:8080"));

    let escaped = firestore("firestore://example.com:acme/%28default%29/k%C3%A4se");
    assert_eq!(escaped.project_id, "example.com:acme", "an old project of a domain");
    assert_eq!(escaped.database_id, "(default)");
    assert_eq!(escaped.collection_name, "käse");
}

#[test]
fn a_tablestorage_url() {
    let binding = tables("tablestorage://acme/Cache?resourceGroupName=acme+prod");
    assert_eq!(binding.account_name, "acme");
    assert_eq!(binding.table_name, "Cache");
    assert_eq!(binding.resource_group_name.as_deref(), Some("acme prod"));
}

#[test]
fn local_kv_urls_are_absolute_or_relative() {
    for (url, dir) in [
        ("local-kv:///var/lib/larder", "/var/lib/larder"),
        ("local-kv:/var/lib/larder", "/var/lib/larder"),
        ("local-kv:data/larder", "data/larder"),
        ("local-kv:./data", "./data"),
        ("local-kv:../data", "../data"),
        ("local-kv://./data", "./data"),
        ("local-kv://../data", "../data"),
        ("local-kv:.", "."),
        ("local-kv:///srv/my%20data/100%25", "/srv/my data/100%"),
        ("local-kv:///srv/a+b@c%23d", "/srv/a+b@c#d"),
        ("LOCAL-KV:data", "data"),
    ] {
        assert_eq!(local(url).data_dir.to_str(), Some(dir), "{url}");
    }
}

#[test]
fn a_local_kv_url_takes_options() {
    let binding = local("local-kv:///data?keyPrefix=cache&durability=interval");
    assert_eq!(binding.data_dir.to_str(), Some("/data"));
    assert_eq!(binding.key_prefix.as_deref(), Some("cache"));
    assert_eq!(binding.durability, Durability::Interval);
    assert_eq!(local("local-kv:data?").data_dir.to_str(), Some("data"));
}

#[test]
fn a_url_takes_no_secret() {
    for url in [
        "dynamodb://AKIA:hunter2@cache?region=us-east-1",
        "dynamodb://cache?region=us-east-1&secretAccessKey=hunter2",
        "dynamodb://cache?region=us-east-1&accessKeyId=hunter2",
        "dynamodb://cache?region=us-east-1&sessiontoken=hunter2",
        "tablestorage://acme:hunter2@acme/cache",
        "tablestorage://acme/cache?accountKey=hunter2",
        "tablestorage://acme/cache?account%4Bey=hunter2",
        "tablestorage://acme/cache?sasToken=hunter2",
        "tablestorage://acme/cache?sig=hunter2",
        "firestore://hunter2@acme/(default)/cache",
        "local-kv://user:hunter2@/data",
        "local-kv:data?password=hunter2",
    ] {
        let message = refused(url);
        assert!(message.contains("a URL takes no secret"), "{url}: {message}");
        assert!(message.contains(r#"give JSON, where it may be {"env":"VAR"}"#), "{url}: {message}");
    }
}

#[test]
fn a_gateway_is_reached_by_tls_unless_it_is_this_machine() {
    for (url, server) in [
        ("gateway://127.0.0.1:8080/cache", "http://127.0.0.1:8080"),
        ("gateway://[::1]:8080/cache", "http://[::1]:8080"),
        ("gateway://localhost/cache", "http://localhost"),
        ("gateway://larder.internal/cache", "https://larder.internal"),
        ("gateway://10.0.0.1:8443/cache", "https://10.0.0.1:8443"),
        ("gateway://localhost.example.com/cache", "https://localhost.example.com"),
    ] {
        let binding = gateway(url);
        assert_eq!((binding.url.as_str(), binding.binding.as_str()), (server, "cache"), "{url}");
        assert!(binding.api_key.is_none());
    }
    for url in
        ["gateway:cache", "gateway://cache", "gateway:///cache", "gateway://host/a/b", "gateway://host/"]
    {
        let message = refused(url);
        let form = "the URL must have the form gateway://host:port/binding";
        assert!(message.ends_with(form) || message.ends_with("binding is empty"), "{url}: {message}");
    }
    for url in ["gateway://example.com/cache?apiKey=hunter2", "gateway://hunter2@example.com/cache"] {
        assert!(refused(url).contains("a URL takes no secret"), "{url}");
    }
}

#[test]
fn a_url_of_another_form_shows_the_form() {
    for (url, form) in [
        ("dynamodb:cache?region=us-east-1", "dynamodb://tableName"),
        ("dynamodb://cache/hunter2?region=us-east-1", "dynamodb://tableName"),
        ("firestore://acme/cache", "firestore://projectId/databaseId/collectionName"),
        ("firestore://acme/(default)/cache/", "firestore://projectId/databaseId/collectionName"),
        ("tablestorage://acme", "tablestorage://accountName/tableName"),
    ] {
        assert!(refused(url).ends_with(&format!("the URL must have the form {form}")), "{url}");
    }
}

#[test]
fn a_local_kv_url_has_no_host() {
    for url in ["local-kv://data/hunter2", "local-kv://localhost/data", "local-kv://.data"] {
        let message = refused(url);
        assert!(message.contains("write local-kv:///absolute/dir or local-kv:relative/dir"), "{message}");
    }
}

#[test]
fn escapes_in_a_url_are_whole_and_utf8() {
    for url in
        ["local-kv:a%2", "local-kv:a%zz", "local-kv:%", "local-kv:a?keyPrefix=%", "local-kv:a?keyPrefix=a%4"]
    {
        assert!(refused(url).contains("a % that two hexadecimal digits do not follow"), "{url}");
    }
    for url in ["local-kv:a%ff", "local-kv:a?keyPrefix=%C3", "firestore://a/b/%80"] {
        assert!(refused(url).contains("escapes that are not UTF-8"), "{url}");
    }
    assert!(refused("local-kv:a#b").contains("write %23"));
    // What an escape hides is checked like all else.
    assert!(refused("firestore://acme/(default)/a%2Fb").contains("collectionName must be"));
    assert!(refused("local-kv:a%00b").contains("dataDir holds a control character"));
}
