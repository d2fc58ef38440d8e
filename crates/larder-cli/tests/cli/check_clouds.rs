//! check: what it sees on the control plane, and by the server's own clock.

use std::time::{Duration, SystemTime};

use larder_conformance::emulator;
use larder_dynamodb::testing::{create_table, switch_ttl};
use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions};
use serde_json::json;

use crate::export::export;
use crate::proxy::before;
use crate::support::Shell;

/// A new table, with time to live on an attribute or off.
fn table(name: &str, ttl: Option<&str>) -> String {
    let name = format!("check-{name}-{}", std::process::id());
    let keys = Credentials::Keys { id: "test".into(), secret: "test".into(), session_token: None };
    let options =
        DynamoDbOptions::new(&name, "eu-central-1").endpoint_url(emulator("dynoxide")).credentials(keys);
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let driver = DynamoDbDriver::open(options).await.expect("the options are right");
        create_table(&driver).await.expect("the table is made");
        if let Some(attribute) = ttl {
            switch_ttl(&driver, attribute).await.expect("it is switched on");
        }
        // A check settles no layout by itself.
        larder_core::Kv::new(driver).settled_layout().await.expect("a layout");
    });
    name
}

fn shell(name: &str, ttl: Option<&str>, url: &str) -> Shell {
    let mut shell = Shell::new();
    shell.set(
        "LARDER_AWS_BINDING",
        json!({
            "service": "dynamodb", "tableName": table(name, ttl), "region": "eu-central-1", "endpointUrl": url,
            "accessKeyId": "test", "secretAccessKey": "hush-hush",
        })
        .to_string(),
    );
    shell
}

#[test]
fn a_table_whose_rows_nobody_removes_fails() {
    for (name, ttl, found) in [
        ("off", None, "time to live is off"),
        ("other", Some("expires"), "time to live is on the attribute expires"),
    ] {
        let said = shell(name, ttl, &emulator("dynoxide")).run(&["check", "-b", "aws"]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.text().contains(&format!("bad\tremoval\tnobody removes what has expired: {found}\t")));
        assert!(said.text().contains("Enabled=true,AttributeName=ttl"), "{said:?}");
        // The rest is well, and is told all the same.
        assert!(said.text().contains("good\twrite\t"), "{said:?}");
    }
    let shell = shell("on", Some("ttl"), &emulator("dynoxide"));
    assert!(shell.done(&["check", "-b", "aws"]).contains("good\tremoval\t"));
}

#[test]
fn credentials_that_do_not_see_the_setting_are_told_what_to_grant() {
    let url = before(&emulator("dynoxide"), |operation, reply| {
        if operation == "DescribeTimeToLive" {
            reply.refuse("AccessDeniedException");
        }
    });
    let said = shell("denied", Some("ttl"), &url).run(&["check", "-b", "aws"]);
    said.failed(0, "");
    assert!(said.text().contains("unknown\tremoval\t"), "{said:?}");
    assert!(said.text().contains("\tgrant dynamodb:DescribeTimeToLive"), "{said:?}");
    assert!(!format!("{said:?}").contains("hush-hush"));
}

#[test]
fn a_ttl_that_is_being_switched_on_is_a_note() {
    let url = before(&emulator("dynoxide"), |operation, reply| {
        if operation == "DescribeTimeToLive" {
            assert!(reply.body.contains("\"ENABLED\""), "{}", reply.body);
            reply.body = reply.body.replace("\"ENABLED\"", "\"ENABLING\"");
        }
    });
    let said = shell("enabling", Some("ttl"), &url).done(&["check", "-b", "aws"]);
    assert!(said.contains("good\tremoval\t") && said.contains("being switched on"), "{said}");
}

#[test]
fn a_clock_that_is_more_than_2_s_away_fails() {
    for (name, millis, code) in [("near", 500, 0), ("ahead", 10_000, 1), ("behind", -10_000, 1)] {
        let url = before(&emulator("dynoxide"), move |_, reply| {
            let now = SystemTime::now();
            let span = Duration::from_millis(i64::unsigned_abs(millis));
            let shown = if millis < 0 { now - span } else { now + span };
            reply.date = http_date(shown);
        });
        let said = shell(&format!("clock-{name}"), Some("ttl"), &url).run(&["check", "-b", "aws"]);
        assert_eq!(said.code, code, "{name}: {said:?}");
        let mark = if code == 0 { "good\tclock\t" } else { "bad\tclock\tthis machine is " };
        assert!(said.text().contains(mark), "{name}: {said:?}");
        if code == 1 {
            let side = if millis < 0 { "ahead of the store" } else { "behind the store" };
            assert!(said.text().contains(side), "{name}: {said:?}");
            assert!(said.text().contains("synchronize this machine's clock"), "{name}: {said:?}");
        }
    }
}

/// As HTTP writes dates: `Fri, 27 Nov 2026 02:45:00 GMT`.
fn http_date(moment: SystemTime) -> String {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    aws_sdk_dynamodb::primitives::DateTime::from_secs(i64::try_from(since).expect("it fits"))
        .fmt(aws_sdk_dynamodb::primitives::DateTimeFormat::HttpDate)
        .expect("a date")
}

#[test]
fn every_operation_that_is_refused_is_found_and_named() {
    for (operation, finding) in [
        ("BatchGetItem", "bad\tread\ta batch of gets: unauthorized"),
        ("Query", "bad\tread\ta scan: unauthorized"),
        ("PutItem", "bad\twrite\ta put: unauthorized"),
        ("UpdateItem", "bad\twrite\ta touch: unauthorized"),
        ("DeleteItem", "bad\twrite\ta delete: unauthorized"),
        ("BatchWriteItem", "bad\twrite\ta batch of puts: unauthorized"),
    ] {
        let url = before(&emulator("dynoxide"), move |called, reply| {
            if called == operation {
                reply.refuse("AccessDeniedException");
            }
        });
        let said = shell(&format!("refused-{operation}"), Some("ttl"), &url).run(&["check", "-b", "aws"]);
        assert_eq!(said.code, 1, "{operation}: {said:?}");
        assert!(said.text().contains(finding), "{operation}: {said:?}");
    }
}

/// Starts an import of 500 entries, and kills it as kill -9 does when it has written some of them.
fn kill_import(name: &str, old: &[&str], flags: &[&str]) -> (Shell, Vec<u8>) {
    let (sender, batches) = std::sync::mpsc::channel();
    let url = before(&emulator("dynoxide"), move |operation, _| {
        if operation == "BatchWriteItem" {
            // Nobody waits for it once the import is killed.
            let _ = sender.send(());
        }
    });
    let shell = shell(name, Some("ttl"), &url);
    for key in old {
        shell.done(&["put", key, "old", "-b", "aws"]);
    }
    let lines = export((0..500).map(|number| (format!("k{number:03}"), "new".to_owned())));
    std::fs::write(shell.path().join("file"), &lines).expect("written");
    // So slow that it would take 50 s.
    let import = ["import", "file", "-b", "aws", "--rate", "10"];
    let mut child = shell.start(&[&import[..], flags].concat());
    batches.recv().expect("a batch is written");
    child.kill().expect("it is killed");
    assert!(!child.wait().expect("it ends").success());
    let there = shell.done(&["export", "-b", "aws"]).matches("\"new\"").count();
    assert!(there > 0 && there < 500, "it was killed on its way: {there}");
    (shell, lines)
}

#[test]
fn a_killed_import_is_finished_with_skip_existing_if_it_had_no_flag() {
    let (shell, lines) = kill_import("import-empty", &[], &[]);
    shell.run(&["import", "file", "-b", "aws"]).failed(1, "holds entries already");
    // What the store's users have changed since then is theirs.
    shell.done(&["put", "k499", "newer", "-b", "aws"]);
    shell.done(&["import", "file", "-b", "aws", "--skip-existing"]);
    assert_eq!(shell.done(&["get", "k499", "-b", "aws"]), "newer");
    shell.done(&["put", "k499", "new", "-b", "aws"]);
    assert_eq!(shell.done(&["export", "-b", "aws"]).as_bytes(), lines);
}

#[test]
fn a_killed_import_that_overwrites_is_finished_with_overwrite() {
    let (shell, lines) = kill_import("import-over", &["k000", "k499"], &["--overwrite"]);
    assert_eq!(shell.done(&["get", "k499", "-b", "aws"]), "old", "it had not come so far");
    shell.done(&["import", "file", "-b", "aws", "--overwrite"]);
    assert_eq!(shell.done(&["export", "-b", "aws"]).as_bytes(), lines);
}

#[test]
fn an_import_that_stops_says_how_it_is_run_again() {
    for (flags, again) in
        [(&[][..], "with --skip-existing"), (&["--overwrite"], "with --overwrite, as before")]
    {
        let url = before(&emulator("dynoxide"), |operation, reply| {
            if operation == "BatchWriteItem" {
                reply.refuse("AccessDeniedException");
            }
        });
        let shell = shell(&format!("import-stops-{}", flags.len()), Some("ttl"), &url);
        let lines = export([("k".to_owned(), "v".to_owned())]);
        let said = shell.run_with(&[&["import", "-b", "aws"][..], flags].concat(), &lines);
        said.failed(1, &format!("has stopped on its way: run it again {again}"));
    }
}
