//! The program on all platforms: each command on each, and a copy around the ring, which ends as it began.

use larder_conformance::emulator;
use larder_dynamodb::{Credentials as AwsCredentials, DynamoDbDriver, DynamoDbOptions};
use larder_tables::testing::{EMULATOR_ACCOUNT, EMULATOR_KEY};
use larder_tables::{Credentials, TablesDriver, TablesOptions};
use serde_json::{Value, json};

use crate::export::export;
use crate::resume::kill_after;
use crate::support::{Shell, held};

const CLOUDS: [&str; 3] = ["aws", "gcp", "azure"];

/// A shell with a binding for a new store on each cloud.
fn shell(name: &str) -> Shell {
    let name = table_name(name);
    tokio::runtime::Runtime::new().expect("a runtime").block_on(make_tables(&name));
    let mut shell = Shell::new();
    shell.set(
        "LARDER_AWS_BINDING",
        json!({
            "service": "dynamodb", "tableName": name, "region": "eu-central-1",
            "endpointUrl": emulator("dynoxide"), "accessKeyId": "test", "secretAccessKey": "test",
        })
        .to_string(),
    );
    shell.set(
        "LARDER_GCP_BINDING",
        json!({
            "service": "firestore", "projectId": "larder-tests", "databaseId": name, "collectionName": name,
            "endpointUrl": emulator("hidane"),
        })
        .to_string(),
    );
    shell.set(
        "LARDER_AZURE_BINDING",
        json!({
            "service": "tablestorage", "accountName": EMULATOR_ACCOUNT, "tableName": name,
            "endpointUrl": emulator("azurite"), "accountKey": EMULATOR_KEY,
        })
        .to_string(),
    );
    shell
}

fn table_name(name: &str) -> String {
    format!("cli{name}{}", std::process::id())
}

async fn table_driver(name: &str) -> DynamoDbDriver {
    let keys = AwsCredentials::Keys { id: "test".into(), secret: "test".into(), session_token: None };
    let options =
        DynamoDbOptions::new(name, "eu-central-1").endpoint_url(emulator("dynoxide")).credentials(keys);
    DynamoDbDriver::open(options).await.expect("the options are right")
}

async fn make_tables(name: &str) {
    let driver = table_driver(name).await;
    larder_dynamodb::testing::create_table(&driver).await.expect("the table is made");
    larder_dynamodb::testing::switch_ttl(&driver, "ttl").await.expect("it is switched on");
    let options = TablesOptions::new(EMULATOR_ACCOUNT, name)
        .endpoint_url(emulator("azurite"))
        .credentials(Credentials::AccountKey(EMULATOR_KEY.into()));
    let driver = TablesDriver::open(options).await.expect("the options are right");
    larder_tables::testing::create_table(&driver).await.expect("the table is made");
}

/// A store with all that can go wrong on the way: keys that platforms forbid, bytes, counters, lifetimes of all lengths.
fn fill(shell: &Shell) {
    let store = shell.path().join("begin");
    held(&store, |driver| async {
        let kv = larder_core::Kv::new(driver);
        for number in 0..1_500_u32 {
            let key = match number % 5 {
                0 => format!("plain:{number}"),
                1 => format!("/ # ? ' \\ {number}"),
                2 => format!("__{number}__"),
                3 => format!("ключ {number} 🥖"),
                _ => format!("~.{number}."),
            };
            let value: Vec<u8> = match number % 4 {
                0 => number.to_string().into(),
                1 => (0..number % 300).map(|byte| byte as u8).collect(),
                2 if number < 50 => vec![number as u8; 24_576],
                _ => format!("value {number}").into(),
            };
            let mut options = larder_core::PutOptions::new();
            options.ttl = match number % 3 {
                0 => None,
                1 => Some(std::time::Duration::from_millis(3_600_001 + u64::from(number))),
                _ => Some(std::time::Duration::from_secs(86_400 * 365 * 100)),
            };
            kv.put(key, value, options).await.expect("a put");
        }
        kv.increment("counter", 40, None).await.expect("counted");
    });
}

#[test]
fn a_copy_around_the_ring_ends_as_it_began() {
    let shell = shell("ring");
    fill(&shell);
    let ring = ["local-kv:begin", "aws", "gcp", "azure", "local-kv:end"];
    for pair in ring.windows(2) {
        let said = shell.done(&["copy", pair[0], pair[1], "--verify"]);
        assert!(said.starts_with("copied 1501 entries"), "{pair:?}: {said}");
        assert!(said.ends_with("; both sides are the same\n"), "{pair:?}: {said}");
    }
    // Keys, moments of expiry, and values, byte for byte.
    let [begin, end] = ["local-kv:begin", "local-kv:end"].map(|url| shell.run(&["scan", "-u", url]));
    assert_eq!(begin.text().lines().count(), 1501);
    assert!(begin.text() == end.text(), "the stores differ");
    let [begin, end] = ["local-kv:begin", "local-kv:end"].map(|url| shell.done(&["export", "-u", url]));
    assert!(begin == end, "the exports differ");
    for store in ["aws", "gcp", "azure"] {
        assert_eq!(shell.done(&["incr", "counter", "2", "-b", store]), "42\n", "{store}");
        assert!(shell.done(&["export", "-b", store]) != begin, "{store}: it has counted since");
        shell.run(&["copy", "local-kv:begin", store]).failed(1, "--skip-existing");
    }
}

#[test]
fn a_copy_into_a_cloud_that_is_killed_goes_on() {
    let shell = shell("kill");
    let lines = export((0..4_000).map(|number| (format!("k:{number:05}"), format!("value {number}"))));
    shell.run_with(&["import", "-u", "local-kv:begin"], &lines).done();
    for store in CLOUDS {
        let copy = ["copy", "local-kv:begin", store, "--progress", "lines", "--rate", "1500"];
        kill_after(shell.start(&copy), 1_000);
        let said = shell.run(&["copy", "local-kv:begin", store, "--verify"]);
        said.failed(0, "going on with the copy");
        assert!(said.text().ends_with("; both sides are the same\n"), "{store}: {said:?}");
        assert!(shell.run(&["export", "-b", store]).bytes == lines, "{store}");
    }
}

#[test]
fn expired_rows_that_nobody_has_removed_yet_do_not_fill_a_target() {
    let shell = shell("left");
    shell.done(&["put", "k", "v", "-u", "local-kv:begin"]);
    // More of them than a page looks through.
    let old = (0..60).map(|number| (format!("old:{number}"), "x"));
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let kv = larder_core::Kv::new(table_driver(&table_name("left")).await);
        let soon = std::time::Duration::from_millis(1);
        let puts = kv.put_many(old, soon).await.expect("puts");
        puts.into_iter().for_each(|put| drop(put.expect("a put")));
    });
    let stats: Value =
        serde_json::from_str(&shell.done(&["stats", "-b", "aws", "-o", "json"])).expect("JSON");
    assert_eq!(stats["expired"], 60, "they are there still");
    shell.done(&["copy", "local-kv:begin", "aws", "--verify"]);
    shell.run(&["copy", "local-kv:begin", "aws"]).failed(1, "holds entries already");
}

#[test]
fn every_command_means_the_same_everywhere() {
    let shell = shell("same");
    for store in CLOUDS {
        let on = |arguments: &[&str]| shell.run(&[arguments, &["-b", store]].concat());
        let version = on(&["put", "k", "v", "--ttl", "1h", "--if-absent"]).done();
        assert_eq!(on(&["put", "k", "w", "--if-absent"]).code, 4, "{store}");
        assert_eq!(on(&["get", "k"]).done(), "v", "{store}");
        let next = on(&["put", "k", "w", "--if-version", version.trim()]).done();
        assert_eq!(on(&["put", "k", "x", "--if-version", version.trim()]).code, 4, "{store}");
        assert_eq!(on(&["touch", "k", "--ttl", "2h", "--if-version", version.trim()]).code, 4, "{store}");
        let touched = on(&["touch", "k", "--ttl", "2h", "--if-version", next.trim()]).done();
        assert_eq!(on(&["incr", "n", "5"]).done(), "5\n", "{store}");
        on(&["put", "gone", "x", "--ttl", "1ms"]).done();
        assert_eq!(on(&["exists", "gone"]).code, 3, "{store}");
        assert_eq!(on(&["scan", "--keys"]).done(), "k\nn\n", "{store}");

        let stats: Value = serde_json::from_str(&on(&["stats", "-o", "json"]).done()).expect("JSON");
        let figures =
            ["entries", "expired", "valueBytes"].map(|name| stats[name].as_u64().expect("a number"));
        assert_eq!(figures, [2, 1, 2], "{store}: {stats}");
        let swept = on(&["sweep", "-o", "ndjson"]).done();
        let expected = if store == "azure" {
            r#"{"outcome":"swept","removed":1}"#
        } else {
            r#"{"outcome":"done_by_platform"}"#
        };
        assert_eq!(swept.trim(), expected, "{store}");

        let check = on(&["check"]).done();
        for good in ["binding", "reachable", "layout", "clock", "read", "write"] {
            assert!(check.contains(&format!("good\t{good}\t")), "{store}: {check}");
        }
        let removal = match store {
            "aws" => "good\tremoval\tby the table's time to live on the attribute ttl",
            "gcp" => "unknown\tremoval\tcannot be seen here: this server has no Admin API",
            _ => "good\tremoval\tby `larder sweep`",
        };
        assert!(check.contains(removal), "{store}: {check}");
        assert_eq!(on(&["delete", "k", "--if-version", next.trim()]).code, 4, "{store}");
        on(&["delete", "k", "--if-version", touched.trim()]).done();
        assert_eq!(on(&["get", "k"]).code, 3, "{store}");
    }
}

#[test]
fn a_table_that_is_not_there_is_told_with_what_to_do() {
    let mut shell = Shell::new();
    shell.set(
        "LARDER_AWS_BINDING",
        json!({
            "service": "dynamodb", "tableName": "no-such-table", "region": "eu-central-1",
            "endpointUrl": emulator("dynoxide"), "accessKeyId": "test", "secretAccessKey": "hush-hush",
        })
        .to_string(),
    );
    let check = shell.run(&["check", "-b", "aws"]);
    assert_eq!(check.code, 1);
    assert!(check.text().contains("bad\treachable\tnot provisioned"), "{check:?}");
    shell.run(&["get", "k", "-b", "aws"]).failed(1, "not provisioned");
    assert!(!format!("{check:?}").contains("hush-hush"));
}
