//! copy: what it carries over, and what it refuses.

use crate::export::export;
use crate::support::{Shell, spoil};

fn filled() -> Shell {
    let shell = Shell::new();
    shell.done(&["put", "user:1", "Alice", "--ttl", "1h", "-u", "local-kv:a"]);
    shell.run_with(&["put", "user:2", "-u", "local-kv:a"], &[0xFF, 0, 10]).done();
    shell.done(&["put", "odd / key ~", "", "-u", "local-kv:a"]);
    shell.done(&["incr", "hits", "41", "-u", "local-kv:a"]);
    shell
}

/// All that can be read of a store, in one text: keys, values, moments of expiry.
fn content(shell: &Shell, url: &str) -> String {
    shell.done(&["scan", "-u", url])
}

#[test]
fn a_copy_has_the_same_keys_values_and_moments_of_expiry() {
    let shell = filled();
    let said = shell.done(&["copy", "local-kv:a", "local-kv:b", "--verify"]);
    assert!(said.starts_with("copied 4 entries ("), "{said}");
    assert!(said.ends_with("; both sides are the same\n"), "{said}");
    assert_eq!(content(&shell, "local-kv:a"), content(&shell, "local-kv:b"));
    assert_eq!(shell.done(&["incr", "hits", "-u", "local-kv:b"]), "42\n");
    assert!(!shell.path().join(".larder-copy.json").exists());
}

#[test]
fn a_prefix_is_copied_alone() {
    let shell = filled();
    shell.done(&["put", "other", "stays", "-u", "local-kv:b"]);
    // What is not under the prefix is not in the way.
    let said = shell.done(&["copy", "local-kv:a", "local-kv:b", "--prefix", "user:", "--verify"]);
    assert!(said.starts_with("copied 2 entries"), "{said}");
    assert_eq!(shell.done(&["scan", "--keys", "-u", "local-kv:b"]), "other\nuser:1\nuser:2\n");
}

#[test]
fn a_target_that_holds_entries_is_refused_unless_told_what_becomes_of_them() {
    let shell = filled();
    shell.done(&["put", "user:1", "Bob", "-u", "local-kv:b"]);
    shell.done(&["put", "user:9", "Zoe", "-u", "local-kv:b"]);
    let before = content(&shell, "local-kv:b");
    shell.run(&["copy", "local-kv:a", "local-kv:b"]).failed(1, "--overwrite");
    assert_eq!(content(&shell, "local-kv:b"), before);
    assert!(!shell.path().join(".larder-copy.json").exists(), "nothing has begun");

    let kept = shell.done(&["copy", "local-kv:a", "local-kv:b", "--skip-existing", "-o", "json"]);
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    assert_eq!((kept["entries"].as_u64(), kept["skipped"].as_u64()), (Some(3), Some(1)));
    assert_eq!(shell.done(&["get", "user:1", "-u", "local-kv:b"]), "Bob");

    shell.done(&["copy", "local-kv:a", "local-kv:b", "--overwrite"]);
    assert_eq!(shell.done(&["get", "user:1", "-u", "local-kv:b"]), "Alice");
    assert_eq!(shell.done(&["get", "user:9", "-u", "local-kv:b"]), "Zoe");
}

#[test]
fn skipped_entries_keep_their_moments_and_the_others_get_theirs() {
    let shell = filled();
    shell.done(&["put", "user:2", "kept", "--ttl", "2h", "-u", "local-kv:b"]);
    let kept = shell.done(&["scan", "user:2", "-u", "local-kv:b"]);
    shell.done(&["copy", "local-kv:a", "local-kv:b", "--skip-existing"]);
    assert_eq!(shell.done(&["scan", "user:2", "-u", "local-kv:b"]), kept);
    let user = |url: &str| shell.done(&["scan", "user:1", "-u", url]);
    assert_eq!(user("local-kv:a"), user("local-kv:b"));
}

#[test]
fn what_has_expired_is_not_revived() {
    let shell = filled();
    shell.done(&["put", "gone", "x", "--ttl", "1ms", "-u", "local-kv:a"]);
    let said = shell.done(&["copy", "local-kv:a", "local-kv:b", "--verify"]);
    assert!(said.starts_with("copied 4 entries"), "{said}");
    assert_eq!(shell.run(&["get", "gone", "-u", "local-kv:b"]).code, 3);
    // An entry of the target that has expired is not in the way.
    shell.done(&["put", "old", "x", "--ttl", "1ms", "-u", "local-kv:c"]);
    shell.done(&["copy", "local-kv:a", "local-kv:c"]);
}

#[test]
fn differences_are_reported_one_by_one() {
    let shell = filled();
    shell.done(&["put", "user:1", "Bob", "-u", "local-kv:b"]);
    shell.done(&["put", "user:2", "short", "--ttl", "1h", "-u", "local-kv:b"]);
    let said = shell.run(&["copy", "local-kv:a", "local-kv:b", "--skip-existing", "--verify"]);
    said.failed(1, "");
    assert!(said.text().starts_with("value\tuser:1\nvalue\tuser:2\ncopied 2 entries"), "{said:?}");
    assert!(said.text().ends_with("; 2 differences\n"), "{said:?}");
}

#[test]
fn a_record_that_cannot_be_decoded_does_not_stop_a_copy() {
    let shell = filled();
    spoil(&shell.path().join("a"), "user:1");
    let said = shell.run(&["copy", "local-kv:a", "local-kv:b", "--verify"]);
    said.failed(1, "user:");
    assert!(said.errors.contains("corrupt"), "{said:?}");
    assert!(said.text().contains("copied 3 entries") && said.text().contains("1 unreadable"), "{said:?}");
    assert_eq!(shell.done(&["scan", "--keys", "-u", "local-kv:b"]), "hits\nodd / key ~\nuser:2\n");
}

#[test]
fn one_store_is_not_copied_into_itself() {
    let shell = filled();
    for (from, to) in [
        ("local-kv:a", "local-kv:a"),
        ("local-kv:a", "local-kv:./a?keyPrefix=x"),
        ("local-kv:a?keyPrefix=x", "local-kv:a"),
    ] {
        shell.run(&["copy", from, to]).failed(2, "one store");
    }
    // Two namespaces of one store are two.
    shell.done(&["put", "k", "v", "-u", "local-kv:a?keyPrefix=x"]);
    shell.done(&["copy", "local-kv:a?keyPrefix=x", "local-kv:a?keyPrefix=y", "--verify"]);
    assert_eq!(shell.done(&["get", "y:k", "-u", "local-kv:a"]), "v");
}

#[test]
fn a_key_that_is_too_long_for_the_target_is_named_and_the_copy_goes_on_without_it() {
    let shell = Shell::new();
    let long = format!("k:0999{}", "k".repeat(506));
    let entries = (0..2_500).map(|number| (format!("k:{number:04}"), "v".to_owned()));
    let entries = entries.chain([(long.clone(), "long".to_owned())]);
    shell.run_with(&["import", "-u", "local-kv:a"], &export(entries)).done();
    let copy = ["copy", "local-kv:a", "local-kv:b?keyPrefix=ns", "--verify"];
    let said = shell.run(&copy);
    // The last key of the first page is k:0999; the long one is the first of the second page.
    said.failed(1, "entry 1001 of the source, in key order: the target, sled at ");
    for part in
        ["has 515 bytes in canonical form, 3 of them its namespace; the limit is 512", "shorter keyPrefix"]
    {
        assert!(said.errors.contains(part), "{part:?} is not in {said:?}");
    }
    assert!(said.errors.contains("goes on from there, by .larder-copy.json"), "{said:?}");
    assert!(!said.errors.contains(&long), "{said:?}");
    // What came before it is there, and nothing is lost.
    let there = shell.done(&["scan", "--keys", "-u", "local-kv:b"]);
    assert!(there.lines().eq((0..1_000).map(|number| format!("ns:k:{number:04}"))), "{there}");
    assert_eq!(shell.done(&["get", &long, "-u", "local-kv:a"]), "long");
    // It stays in the way until it is out of it.
    shell.run(&copy).failed(1, "entry 1001 of the source");
    shell.done(&["put", "k:0999:short", "long", "-u", "local-kv:a"]);
    shell.done(&["delete", &long, "-u", "local-kv:a"]);
    let said = shell.run(&copy);
    said.failed(0, "which has come to 1000 entries");
    assert!(said.text().starts_with("copied 2501 entries"), "{said:?}");
    assert!(said.text().ends_with("; both sides are the same\n"), "{said:?}");

    let lines = export([("first".to_owned(), "v".to_owned()), (long, "long".to_owned())]);
    let said = shell.run_with(&["import", "-u", "local-kv:c?keyPrefix=ns"], &lines);
    said.failed(1, "the standard input, line 3: the target, sled at ");
    assert!(said.errors.contains("the limit is 512"), "{said:?}");
    assert_eq!(shell.done(&["scan", "-u", "local-kv:c"]), "", "nothing was written");
}

#[test]
fn a_copy_is_no_faster_than_it_may_be() {
    let shell = Shell::new();
    let lines: Vec<u8> = export((0..60).map(|number| (format!("k{number}"), "v".to_owned())));
    shell.run_with(&["import", "-u", "local-kv:a"], &lines).done();
    let began = std::time::Instant::now();
    // 20 at once, and 20 more in each of the next two seconds.
    shell.done(&["copy", "local-kv:a", "local-kv:b", "--rate", "20", "--verify"]);
    assert!(began.elapsed() >= std::time::Duration::from_millis(1_900), "{:?}", began.elapsed());
}
