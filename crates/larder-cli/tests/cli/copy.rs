//! copy: what it carries over, and what it refuses.

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
fn a_key_that_is_too_long_for_the_target_is_an_error_and_nothing_is_lost() {
    let shell = Shell::new();
    let long = "k".repeat(511);
    shell.done(&["put", &long, "v", "-u", "local-kv:a"]);
    shell.done(&["put", "first", "v", "-u", "local-kv:a"]);
    // One at a time, so that the first is there by then: something was done.
    let copy = ["copy", "local-kv:a", "local-kv:b?keyPrefix=ns", "--rate", "1"];
    shell.run(&copy).failed(1, "the limit is 512");
    assert_eq!(shell.done(&["scan", "--keys", "-u", "local-kv:b"]), "ns:first\n");
    assert_eq!(shell.done(&["get", &long, "-u", "local-kv:a"]), "v");
    shell.done(&["export", "file", "-u", "local-kv:a"]);
    let import = ["import", "file", "-u", "local-kv:c?keyPrefix=ns", "--rate", "1"];
    shell.run(&import).failed(1, "the limit is 512");
}

#[test]
fn a_copy_is_no_faster_than_it_may_be() {
    let shell = Shell::new();
    let lines: Vec<u8> = crate::export::export((0..60).map(|number| (format!("k{number}"), "v".to_owned())));
    shell.run_with(&["import", "-u", "local-kv:a"], &lines).done();
    let began = std::time::Instant::now();
    // 20 at once, and 20 more in each of the next two seconds.
    shell.done(&["copy", "local-kv:a", "local-kv:b", "--rate", "20", "--verify"]);
    assert!(began.elapsed() >= std::time::Duration::from_millis(1_900), "{:?}", began.elapsed());
}
