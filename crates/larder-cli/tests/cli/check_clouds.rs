//! check: what it sees on the control plane, and by the server's own clock.

use std::time::{Duration, SystemTime};

use larder_conformance::emulator;
use larder_dynamodb::testing::{create_table, switch_ttl};
use larder_dynamodb::{Credentials, DynamoDbDriver, DynamoDbOptions};
use serde_json::json;

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
