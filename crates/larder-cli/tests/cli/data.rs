//! get, put, delete, exists, touch, incr.

use crate::support::Shell;

#[test]
fn what_was_put_is_there_until_it_is_deleted() {
    let shell = Shell::new();
    let version = shell.done(&["put", "user:1", "Alice"]);
    assert!(version.trim().len() > 20, "{version}");
    assert_eq!(shell.done(&["get", "user:1"]), "Alice");
    assert_eq!(shell.done(&["exists", "user:1"]), "true\n");
    assert_eq!(shell.done(&["delete", "user:1"]), "");
    let absent = shell.run(&["get", "user:1"]);
    assert_eq!((absent.code, absent.bytes), (3, Vec::new()));
    let absent = shell.run(&["exists", "user:1"]);
    assert_eq!((absent.code, absent.text().as_str()), (3, "false\n"));
}

#[test]
fn a_value_comes_from_an_argument_a_file_or_a_pipe_byte_for_byte() {
    let shell = Shell::new();
    let all: Vec<u8> = (0..=255).chain([b'\n']).collect();
    std::fs::write(shell.path().join("value"), &all).expect("written");
    shell.done(&["put", "file", "--file", "value"]);
    shell.run_with(&["put", "pipe"], &all).done();
    shell.run_with(&["put", "dash", "-"], &all).done();
    shell.done(&["put", "empty", ""]);
    for key in ["file", "pipe", "dash"] {
        assert_eq!(shell.run(&["get", key]).bytes, all, "{key}");
    }
    let empty = shell.run(&["get", "empty"]);
    assert_eq!((empty.code, empty.bytes), (0, Vec::new()));
    // 24 KiB are a value, and one more byte is none.
    shell.run_with(&["put", "full"], &[7; 24_576]).done();
    shell.run_with(&["put", "full"], &[7; 24_577]).failed(2, "the limit is 24576");
    shell.run_with(&["put", "full"], &[7; 1_000_000]).failed(2, "the limit is 24576");
    assert_eq!(shell.run(&["get", "full"]).bytes, [7; 24_576]);
    shell.run(&["put", "x"]).failed(2, "the standard input is empty");
    assert_eq!(shell.run(&["exists", "x"]).code, 3);
    shell.run(&["put", "x", "--file", "not there"]).failed(1, "not there");
    shell.run(&["put", "x", "value", "--file", "value"]).failed(2, "cannot be used with");
}

#[test]
fn a_lifetime_is_told_and_ends() {
    let shell = Shell::new();
    // The next process begins later than that.
    shell.done(&["put", "gone", "x", "--ttl", "1ms"]);
    assert_eq!(shell.run(&["get", "gone"]).code, 3);
    shell.done(&["put", "stays", "x", "--ttl", "30d"]);
    let entry = shell.done(&["get", "stays", "--output", "ndjson"]);
    let entry: serde_json::Value = serde_json::from_str(&entry).expect("JSON");
    let left = entry["ttlMillis"].as_u64().expect("a lifetime");
    assert!((2_591_000_000..2_592_000_000).contains(&left), "{left}");
    shell.done(&["touch", "stays", "--persist"]);
    let entry = shell.done(&["get", "stays", "--output", "ndjson"]);
    assert!(!entry.contains("ttlMillis"), "{entry}");
    shell.done(&["touch", "stays", "--ttl", "1ms"]);
    assert_eq!(shell.run(&["touch", "stays", "--ttl", "1h"]).code, 3);
    for ttl in ["0s", "1month", "soon", "-1s"] {
        let said = shell.run(&["put", "k", "x", &format!("--ttl={ttl}")]);
        assert_eq!(said.code, 2, "{ttl}: {said:?}");
    }
    shell.run(&["put", "k", "x", "--ttl", "9999999w"]).failed(2, "year 9999");
    shell.run(&["touch", "k"]).failed(2, "--ttl");
}

#[test]
fn a_condition_that_does_not_hold_changes_nothing() {
    let shell = Shell::new();
    let first = shell.done(&["put", "lock", "one", "--if-absent"]);
    shell.run(&["put", "lock", "two", "--if-absent"]).failed(4, first.trim());
    let second = shell.done(&["put", "lock", "two", "--if-version", first.trim()]);
    shell.run(&["put", "lock", "three", "--if-version", first.trim()]).failed(4, second.trim());
    shell.run(&["touch", "lock", "--persist", "--if-version", first.trim()]).failed(4, second.trim());
    shell.run(&["delete", "lock", "--if-version", first.trim()]).failed(4, second.trim());
    assert_eq!(shell.done(&["get", "lock"]), "two");
    shell.done(&["delete", "lock", "--if-version", second.trim()]);
    assert_eq!(shell.run(&["get", "lock"]).code, 3);
    shell.run(&["put", "lock", "x", "--if-version", "garbage"]).failed(2, "the version is damaged");
    shell.run(&["put", "lock", "x", "--if-absent", "--if-version", first.trim()]).failed(2, "cannot be used");
    let other = shell.done(&["put", "other", "x"]);
    shell.run(&["put", "lock", "x", "--if-version", other.trim()]).failed(2, "another key");
}

#[test]
fn a_condition_that_fails_shows_the_entry_as_json_without_its_value() {
    let shell = Shell::new();
    shell.done(&["put", "lock", "secret"]);
    let said = shell.run(&["put", "lock", "mine", "--if-absent", "-o", "json"]);
    assert_eq!(said.code, 4);
    let record: serde_json::Value = serde_json::from_slice(&said.bytes).expect("JSON");
    assert_eq!(record["outcome"], "condition_failed");
    assert_eq!(record["current"]["key"], "lock");
    assert!(!said.text().contains("secret"));
}

#[test]
fn counters_count() {
    let shell = Shell::new();
    assert_eq!(shell.done(&["incr", "hits"]), "1\n");
    assert_eq!(shell.done(&["incr", "hits", "41"]), "42\n");
    assert_eq!(shell.done(&["incr", "hits", "-50"]), "-8\n");
    assert_eq!(shell.done(&["get", "hits"]), "-8");
    shell.done(&["put", "hits", "100"]);
    assert_eq!(
        shell.done(&["incr", "hits", "-o", "ndjson"]),
        "{\"key\":\"hits\",\"outcome\":\"counted\",\"number\":101}\n"
    );
    shell.done(&["put", "word", "secret"]);
    let said = shell.run(&["incr", "word"]);
    said.failed(2, "word");
    assert!(!said.errors.contains("secret"), "{said:?}");
    assert_eq!(shell.done(&["get", "word"]), "secret");
}

#[test]
fn a_negative_number_is_a_value() {
    let shell = Shell::new();
    shell.done(&["put", "temp", "-5"]);
    assert_eq!(shell.done(&["get", "temp"]), "-5");
}
