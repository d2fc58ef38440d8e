//! scan, and the forms of output.

use serde_json::Value;

use crate::support::Shell;

fn filled() -> Shell {
    let shell = Shell::new();
    shell.done(&["put", "a:text", "line\nand\ttab"]);
    shell.run_with(&["put", "a:bytes"], b"\xFF\x00").done();
    shell.done(&["put", "a:json", r#"{"n": 1.00}"#, "--as", "json"]);
    shell.done(&["put", "b", "other", "--ttl", "1h"]);
    shell
}

#[test]
fn a_pipe_gets_plain_lines_without_loss() {
    let shell = filled();
    let expected = "a:bytes\t-\t\\xFF\\x00\na:json\t-\t{\"n\": 1.00}\na:text\t-\tline\\nand\\ttab\n";
    assert_eq!(shell.done(&["scan", "a:"]), expected);
    assert_eq!(shell.done(&["scan", "--keys"]), "a:bytes\na:json\na:text\nb\n");
    assert_eq!(shell.done(&["scan", "nothing"]), "");
    let with_expiry = shell.done(&["scan", "b"]);
    let fields: Vec<_> = with_expiry.trim_end().split('\t').collect();
    assert_eq!((fields[0], fields[2]), ("b", "other"));
    assert!(fields[1].ends_with('Z') && fields[1].starts_with("20"), "{with_expiry}");
}

#[test]
fn json_is_one_document_and_ndjson_one_object_a_line() {
    let shell = filled();
    let document: Value = serde_json::from_str(&shell.done(&["scan", "-o", "json"])).expect("JSON");
    let entries = document["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), 4);
    assert_eq!(entries[0]["base64"], "/wA=");
    assert_eq!(entries[2]["value"], "line\nand\ttab");
    let lines = shell.done(&["scan", "-o", "ndjson"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for (line, entry) in lines.iter().zip(entries) {
        // The time that is left is another, a moment later.
        for member in ["key", "value", "base64", "expiresAt", "version"] {
            assert_eq!(line[member], entry[member]);
        }
    }
    assert_eq!(lines.len(), entries.len());
    let empty: Value = serde_json::from_str(&shell.done(&["scan", "z", "-o", "json"])).expect("JSON");
    assert_eq!(empty["entries"].as_array().map(Vec::len), Some(0));
}

#[test]
fn values_are_text_json_or_base64() {
    let shell = filled();
    // Byte for byte, the number's zeros included.
    assert!(shell.done(&["get", "a:json", "--as", "json", "-o", "ndjson"]).contains(r#""json":{"n": 1.00}"#));
    assert_eq!(shell.done(&["get", "a:bytes", "--as", "base64"]), "/wA=\n");
    assert_eq!(shell.run(&["get", "a:bytes"]).bytes, b"\xFF\x00");
    shell.run(&["get", "a:bytes", "--as", "text"]).failed(1, "is not UTF-8");
    shell.run(&["get", "a:text", "--as", "json"]).failed(1, "is not JSON");
    shell.done(&["put", "decoded", "AAEC", "--as", "base64"]);
    assert_eq!(shell.run(&["get", "decoded"]).bytes, [0, 1, 2]);
    shell.run(&["put", "decoded", "AA", "--as", "base64"]).failed(2, "not base64");
    shell.run(&["put", "decoded", "{", "--as", "json"]).failed(2, "not JSON");
    assert_eq!(shell.run(&["get", "decoded"]).bytes, [0, 1, 2]);
}

#[test]
fn a_scan_goes_on_where_another_ended() {
    let shell = filled();
    let first: Value =
        serde_json::from_str(&shell.done(&["scan", "--limit", "3", "-o", "json"])).expect("JSON");
    let cursor = first["cursor"].as_str().expect("a cursor");
    assert_eq!(shell.done(&["scan", "--keys", "--cursor", cursor]), "b\n");
    shell.run(&["scan", "a:", "--cursor", cursor]).failed(2, "another prefix");
    shell.run(&["scan", "--cursor", "x"]).failed(2, "damaged");
    let said = shell.run(&["scan", "--limit", "1", "--keys"]);
    said.failed(0, "--cursor ");
    assert_eq!(said.text(), "a:bytes\n");
    assert_eq!(shell.run(&["scan", "--limit", "0"]).code, 2);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let shell = filled();
    let mut child = shell.start(&["scan"]);
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn an_outcome_is_told_also_when_nobody_reads_the_output() {
    let shell = filled();
    let unread = |arguments: &[&str]| {
        let mut child = shell.start(arguments);
        drop(child.stdout.take());
        child.wait_with_output().expect("it ends").status.code()
    };
    assert_eq!(unread(&["exists", "none"]), Some(3));
    assert_eq!(unread(&["put", "b", "mine", "--if-absent", "-o", "json"]), Some(4));
    assert_eq!(unread(&["check", "-u", "dynamodb://t-t?region=r&endpointUrl=http://127.0.0.1:1"]), Some(1));
    // What cannot be read is told, and not passed in silence; and what was not exported whole is no export.
    assert_eq!(unread(&["export"]), Some(1));
    crate::support::spoil(&shell.path().join(".larder"), "a:json");
    let differs = ["copy", "local-kv:.larder", "local-kv:b"];
    assert_eq!(unread(&differs), Some(1));
    assert_eq!(shell.done(&["scan", "--keys", "-u", "local-kv:b"]), "a:bytes\na:text\nb\n");
    assert_eq!(unread(&["put", "new", "v"]), Some(0));
    assert_eq!(shell.done(&["get", "new"]), "v");
}

#[test]
fn a_record_that_cannot_be_decoded_is_told_and_passed() {
    let shell = filled();
    crate::support::spoil(&shell.path().join(".larder"), "a:json");
    let said = shell.run(&["scan", "--keys"]);
    said.failed(1, "corrupt");
    assert_eq!(said.text(), "a:bytes\na:text\nb\n");
    shell.run(&["get", "a:json"]).failed(1, "corrupt");
}

#[cfg(target_os = "linux")]
#[test]
fn a_write_that_cannot_tell_of_itself_was_done_all_the_same() {
    let shell = Shell::new();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
    for arguments in [&["incr", "n"][..], &["put", "k", "v"]] {
        let child = shell.command(arguments).stdout(full()).spawn().expect("it starts");
        let said: crate::support::Said = child.wait_with_output().expect("it ends").into();
        said.failed(0, "it was done, but what became of it cannot be printed");
    }
    assert_eq!(shell.done(&["get", "n"]), "1");
    assert_eq!(shell.done(&["get", "k"]), "v");
    // To read is to print.
    let child = shell.command(&["get", "k"]).stdout(full()).spawn().expect("it starts");
    let said: crate::support::Said = child.wait_with_output().expect("it ends").into();
    said.failed(1, "the output: ");
}
