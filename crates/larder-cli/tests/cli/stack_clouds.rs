//! `larder up` and `down` on the emulators of the clouds: what they make is what `load_kv` opens.

use std::process::{Command, Output};

use larder_conformance::emulator;
use tempfile::TempDir;

use crate::proxy::before;

/// The account that every Azurite has, and its key, which is no secret.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

fn larder(place: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    command.args(arguments).current_dir(place);
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("TABLE_KEY", KEY),
        ("LARDER_BINDINGS", "bindings.toml"),
    ] {
        command.env(name, value);
    }
    command.output().expect("it runs")
}

#[track_caller]
fn done(place: &TempDir, arguments: &[&str]) -> String {
    let output = larder(place, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Makes a stack of one store, uses it, and removes it.
fn round_trip(platform: &str, arguments: &[&str]) -> String {
    let place = TempDir::new().expect("a directory");
    // An id of this run's own.
    let id = format!("up-{platform}-{}", std::process::id());
    std::fs::write(place.path().join("stack.json"), format!(r#"{{"type":"kv","id":"{id}","shards":4}}"#))
        .expect("a stack");
    let on = [&["--platform", platform][..], arguments].concat();
    let plan = done(&place, &[&["plan"][..], &on].concat());
    assert!(plan.contains("+ layout record: "), "{plan}");
    let missing = larder(&place, &["get", "key", "--binding", &id]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");

    let up = done(&place, &[&["up", "--yes"][..], &on].concat());
    let bindings = std::fs::read_to_string(place.path().join("bindings.toml")).expect("bindings");
    assert!(!bindings.contains(KEY) && !up.contains(KEY), "no secret is written");
    // The store is there, and empty: absent is 3, an error would be 1.
    let absent = larder(&place, &["get", "key", "--binding", &id]);
    assert_eq!(absent.status.code(), Some(3), "{absent:?}");
    let again = done(&place, &[&["up"][..], &on].concat());
    assert!(!again.contains("+ ") && !again.contains("~ "), "{again}");

    let plan: serde_json::Value =
        serde_json::from_str(&done(&place, &[&["plan", "-o", "json"][..], &on].concat())).expect("JSON");
    let name = plan[0]["name"].as_str().expect("a name");
    assert_eq!(larder(&place, &[&["down"][..], &on].concat()).status.code(), Some(2));
    done(&place, &[&["down", "--confirm", name][..], &on].concat());
    again
}

#[test]
fn a_table_of_dynamodb() {
    let shown = round_trip("aws", &["--region", "eu-central-1", "--endpoint-url", &emulator("ministack")]);
    for part in [
        "point-in-time recovery: on",
        "time to live: on the attribute ttl",
        "layout record: version 1, 4 shards",
    ] {
        assert!(shown.contains(&format!("= {part}")), "{part} is not in {shown}");
    }
}

#[test]
fn a_collection_of_firestore() {
    let shown = round_trip("gcp", &["--project", "larder-tests", "--endpoint-url", &emulator("hidane")]);
    assert!(shown.contains("no Admin API") && shown.contains(". shards: a store on gcp has one"), "{shown}");
}

#[test]
fn a_table_of_azure() {
    let url = emulator("azurite");
    let shown = round_trip(
        "azure",
        &["--account", ACCOUNT, "--account-key-env", "TABLE_KEY", "--endpoint-url", &url],
    );
    assert!(shown.contains("version 1, 4 shards"), "{shown}");
}

#[test]
fn a_table_that_is_not_ready_ends_up_with_1_and_no_bindings() {
    let place = TempDir::new().expect("a directory");
    let id = format!("unready-{}", std::process::id());
    std::fs::write(place.path().join("stack.json"), format!(r#"{{"type":"kv","id":"{id}"}}"#))
        .expect("a stack");
    // The table is there at once; by what is said of it, it is never done.
    let slow = before(&emulator("dynoxide"), |operation, reply| {
        if operation == "DescribeTable" {
            reply.body = reply.body.replace("\"ACTIVE\"", "\"CREATING\"");
        }
    });
    let up = |url: &str| {
        let on = ["up", "--yes", "--platform", "aws", "--region", "eu-central-1", "--endpoint-url", url];
        larder(&place, &[&on[..], &["--timeout", "1s"]].concat())
    };
    for _ in 0..2 {
        let output = up(&slow);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            errors.contains("not ready yet: ") && errors.contains("no bindings were written"),
            "{errors}"
        );
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(
            shown.contains(
                "… table: is not ready yet: run `larder up` again, or apply the plan again, for the rest"
            ),
            "{shown}"
        );
        assert!(!place.path().join("bindings.toml").exists());
    }
    // The same command, once it is done.
    let output = up(&emulator("dynoxide"));
    assert!(output.status.success(), "{output:?}");
    assert!(place.path().join("bindings.toml").exists());
    let absent = larder(&place, &["get", "key", "--binding", &id]);
    assert_eq!(absent.status.code(), Some(3), "{absent:?}");
}
