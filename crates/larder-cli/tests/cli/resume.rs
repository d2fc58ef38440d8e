//! A copy that is killed on its way.

use std::io::{BufRead, BufReader};
use std::process::Child;

use crate::export::export;
use crate::support::Shell;

const ENTRIES: u64 = 100_000;
/// How many entries there are when it is killed.
const KILLS: [u64; 3] = [10_000, 35_000, 70_000];
const COPY: [&str; 7] = ["copy", "local-kv:a", "local-kv:b", "--progress", "lines", "--rate", "40000"];

/// Waits until a copy says that so many entries are over, and kills it as kill -9 does.
pub(crate) fn kill_after(mut child: Child, entries: u64) -> u64 {
    let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    for line in stderr.lines() {
        let line = line.expect("text");
        let count =
            line.strip_prefix("larder: so far ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        if let Some(count) = count.filter(|count| *count >= entries) {
            child.kill().expect("it is killed");
            let status = child.wait().expect("it ends");
            assert!(!status.success(), "it had ended before");
            return count;
        }
    }
    panic!("it ended by itself before {entries} entries");
}

#[test]
fn a_copy_of_100_000_entries_that_is_killed_three_times_loses_and_duplicates_nothing() {
    let shell = Shell::new();
    let entries = (0..ENTRIES).map(|number| (format!("entry:{number:06}"), format!("value of {number}")));
    let lines = export(entries);
    shell.run_with(&["import", "-u", "local-kv:a"], &lines).done();

    let mut last = 0;
    for kill in KILLS {
        let count = kill_after(shell.start(&COPY), kill);
        assert!(count > last, "it went on from {last}, not from the beginning");
        assert!(count < ENTRIES, "it was killed on its way");
        last = count;
    }
    // Once more when all is carried over, and both sides are being compared.
    assert_eq!(kill_after(shell.start(&[&COPY[..], &["--verify"]].concat()), ENTRIES), ENTRIES);
    let file = std::fs::read_to_string(shell.path().join(".larder-copy.json")).expect("it is there still");
    assert!(file.contains(r#""stage":"copied""#), "{file}");
    let said = shell.run(&["copy", "local-kv:a", "local-kv:b", "--verify"]);
    said.failed(0, "going on with the copy");
    assert!(said.text().ends_with("; both sides are the same\n"), "{said:?}");
    // Each once, and with nothing else beside them.
    let keys = shell.done(&["scan", "--keys", "-u", "local-kv:b"]);
    assert!(keys.lines().eq((0..ENTRIES).map(|number| format!("entry:{number:06}"))));
    assert_eq!(shell.done(&["export", "-u", "local-kv:b"]).as_bytes(), lines);
    assert!(!shell.path().join(".larder-copy.json").exists());
}

#[test]
fn a_cursor_file_is_refused_for_another_copy() {
    let shell = Shell::new();
    let entries = (0..20_000).map(|number| (format!("k{number}"), "v".to_owned()));
    shell.run_with(&["import", "-u", "local-kv:a"], &export(entries)).done();
    let arguments =
        ["copy", "local-kv:a", "local-kv:b", "--progress", "lines", "--rate", "5000", "--cursor", "here"];
    kill_after(shell.start(&arguments), 1_000);
    for other in [
        &["copy", "local-kv:a", "local-kv:c", "--cursor", "here"][..],
        &["copy", "local-kv:b", "local-kv:a", "--cursor", "here", "--overwrite"],
        &["copy", "local-kv:a", "local-kv:b", "--cursor", "here", "--prefix", "k1"],
        &["copy", "local-kv:a", "local-kv:b", "--cursor", "here", "--overwrite"],
    ] {
        shell.run(other).failed(1, "is of another copy");
    }
    // Without the file it is a copy into a target that is not empty.
    shell.run(&["copy", "local-kv:a", "local-kv:b"]).failed(1, "--overwrite");
    // The same stores by other names of theirs are the same copy.
    let said = shell.run(&["copy", "local-kv:./a", "local-kv:b", "--cursor", "here", "--verify"]);
    said.failed(0, "going on");
    std::fs::write(shell.path().join("here"), "notes").expect("written");
    shell.run(&["copy", "local-kv:a", "local-kv:c", "--cursor", "here"]).failed(1, "no cursor file");
    assert_eq!(std::fs::read_to_string(shell.path().join("here")).expect("there"), "notes");
}

#[test]
fn a_copy_does_not_go_on_into_a_target_that_was_emptied() {
    let shell = Shell::new();
    let entries = (0..20_000).map(|number| (format!("k{number}"), "v".to_owned()));
    shell.run_with(&["import", "-u", "local-kv:a"], &export(entries)).done();
    let arguments = ["copy", "local-kv:a", "local-kv:b", "--progress", "lines", "--rate", "5000"];
    kill_after(shell.start(&arguments), 1_000);
    let file = shell.path().join(".larder-copy.json");
    let before = std::fs::read(&file).expect("there");
    std::fs::rename(shell.path().join("b"), shell.path().join("elsewhere")).expect("moved away");
    shell.run(&["copy", "local-kv:a", "local-kv:b"]).failed(1, "remove .larder-copy.json to begin anew");
    assert_eq!(std::fs::read(&file).expect("there"), before);
    assert_eq!(shell.done(&["scan", "--keys", "-u", "local-kv:b"]), "", "nothing was written");

    std::fs::remove_file(&file).expect("removed");
    shell.done(&["copy", "local-kv:a", "local-kv:b", "--verify"]);
}

#[test]
fn a_copy_whose_entries_have_all_expired_goes_on() {
    let shell = Shell::new();
    shell.run_with(&["import", "-u", "local-kv:a"], &export([("k".to_owned(), "v".to_owned())])).done();
    let canonical = shell.path().canonicalize().expect("a path").display().to_string();
    let file = serde_json::json!({
        "larderCopy": 1,
        "identity": {
            "from": format!("local-kv://{canonical}/a"), "to": format!("local-kv://{canonical}/b"),
            "prefix": "", "existing": "refused",
        },
        "cursor": null, "stage": "copying", "lasts": 1_767_225_600_000_u64,
        "tally": { "entries": 5, "bytes": 5, "skipped": 0, "expired": 0, "unreadable": 0 },
    });
    std::fs::write(shell.path().join(".larder-copy.json"), file.to_string()).expect("written");
    shell.run(&["copy", "local-kv:a", "local-kv:b", "--verify"]).failed(0, "going on");
}

#[test]
fn a_copy_that_was_killed_before_its_first_page_goes_on() {
    let shell = Shell::new();
    shell.run_with(&["import", "-u", "local-kv:a"], &export([("k".to_owned(), "v".to_owned())])).done();
    // As it is left behind when the process dies between the first write and the next note of the position.
    let canonical = shell.path().canonicalize().expect("a path").display().to_string();
    let file = serde_json::json!({
        "larderCopy": 1,
        "identity": {
            "from": format!("local-kv://{canonical}/a"), "to": format!("local-kv://{canonical}/b"),
            "prefix": "", "existing": "refused",
        },
        "cursor": null,
        "tally": { "entries": 0, "bytes": 0, "skipped": 0, "expired": 0, "unreadable": 0 },
    });
    std::fs::write(shell.path().join(".larder-copy.json"), file.to_string()).expect("written");
    shell.done(&["put", "k", "v", "-u", "local-kv:b"]);
    let said = shell.done(&["copy", "local-kv:a", "local-kv:b", "--verify"]);
    assert!(said.ends_with("both sides are the same\n"), "{said}");
}

/// A source of so many entries, and a copy of it into `local-kv:b` that was killed on its way.
fn killed(entries: u64, flags: &[&str]) -> Shell {
    let shell = Shell::new();
    let lines = export((0..entries).map(|number| (format!("k{number:06}"), "v".to_owned())));
    shell.run_with(&["import", "-u", "local-kv:a"], &lines).done();
    let copy = ["copy", "local-kv:a", "local-kv:b", "--progress", "lines", "--rate", "5000"];
    kill_after(shell.start(&[&copy[..], flags].concat()), 1_000);
    shell
}

#[test]
fn a_left_over_cursor_file_does_not_let_a_copy_overwrite_a_used_target() {
    let shell = killed(20_000, &[]);
    // Far behind what the copy has come to, so that it would be overwritten.
    shell.done(&["put", "k019999", "ours", "-u", "local-kv:b"]);
    let before = shell.done(&["scan", "-u", "local-kv:b"]);
    shell.run(&["copy", "local-kv:a", "local-kv:b"]).failed(1, "that is not the source's");
    assert_eq!(shell.done(&["scan", "-u", "local-kv:b"]), before, "nothing was written");

    // The same value with another expiry is another entry, and so is a key that the source does not have.
    shell.done(&["put", "k019999", "v", "--ttl", "1h", "-u", "local-kv:b"]);
    shell.run(&["copy", "local-kv:a", "local-kv:b"]).failed(1, "that is not the source's");
    shell.done(&["delete", "k019999", "-u", "local-kv:b"]);
    shell.done(&["put", "zzz", "ours", "-u", "local-kv:b"]);
    shell.run(&["copy", "local-kv:a", "local-kv:b"]).failed(1, "that is not the source's");
    // What is the source's is the copy's own, as far as anybody can tell.
    shell.done(&["delete", "zzz", "-u", "local-kv:b"]);
    shell.done(&["put", "k019999", "v", "-u", "local-kv:b"]);
    let said = shell.run(&["copy", "local-kv:a", "local-kv:b", "--verify"]);
    said.failed(0, "going on with the copy in .larder-copy.json, written ");
    assert!(said.text().ends_with("; both sides are the same\n"), "{said:?}");
}

#[test]
fn a_copy_that_failed_before_it_wrote_leaves_nothing_to_go_on_with() {
    let shell = Shell::new();
    let long = "k".repeat(510);
    shell.done(&["put", &long, "v", "-u", "local-kv:a"]);
    let copy = ["copy", "local-kv:a", "local-kv:b?keyPrefix=ns"];
    let said = shell.run(&copy);
    said.failed(1, "the limit is 512");
    assert!(!said.errors.contains("goes on from there"), "{said:?}");
    assert!(!shell.path().join(".larder-copy.json").exists());
    // So that the target is one that has to be empty, for all that comes later.
    shell.done(&["put", "k", "ours", "-u", "local-kv:b?keyPrefix=ns"]);
    shell.done(&["delete", &long, "-u", "local-kv:a"]);
    shell.done(&["put", "k", "v", "-u", "local-kv:a"]);
    shell.run(&copy).failed(1, "holds entries already");
    assert_eq!(shell.done(&["get", "k", "-u", "local-kv:b?keyPrefix=ns"]), "ours");
}

/// Makes the cursor file of a copy say that all is over, as it does while both sides are compared.
fn stop_at_the_end(shell: &Shell) {
    let file = shell.path().join(".larder-copy.json");
    let text = std::fs::read_to_string(&file).expect("there");
    let changed = text.replace(r#""stage":"copying""#, r#""stage":"copied""#);
    assert_ne!(text, changed);
    std::fs::write(file, changed).expect("written");
}

#[test]
fn a_copy_that_stopped_at_its_end_copies_what_has_changed_since() {
    for (flag, value) in [("--overwrite", "new"), ("--skip-existing", "v")] {
        let shell = killed(20_000, &[flag]);
        stop_at_the_end(&shell);
        shell.done(&["put", "k000000", "new", "-u", "local-kv:a"]);
        shell.done(&["put", "k020000", "new", "-u", "local-kv:a"]);
        let said = shell.run(&["copy", "local-kv:a", "local-kv:b", flag]);
        said.failed(0, "it is begun anew");
        assert_eq!(shell.done(&["get", "k000000", "-u", "local-kv:b"]), value);
        assert_eq!(shell.done(&["get", "k020000", "-u", "local-kv:b"]), "new");
        assert_eq!(shell.done(&["scan", "--keys", "-u", "local-kv:b"]).lines().count(), 20_001);
    }
}

#[test]
fn a_copy_that_was_complete_already_says_so() {
    let shell = killed(20_000, &[]);
    stop_at_the_end(&shell);
    let said = shell.run(&["copy", "local-kv:a", "local-kv:b"]);
    said.failed(0, "was complete already");
    assert!(said.errors.contains("nothing was copied now"), "{said:?}");
    assert!(!shell.path().join(".larder-copy.json").exists());
}

#[test]
fn a_cursor_file_that_cannot_be_written_is_told_before_anything_is_made() {
    let shell = Shell::new();
    shell.done(&["put", "k", "v", "-u", "local-kv:a"]);
    shell.run(&["copy", "local-kv:a", "local-kv:b", "--cursor", "none/here"]).failed(1, "none/here: ");
    std::fs::create_dir(shell.path().join("folder")).expect("made");
    shell.run(&["copy", "local-kv:a", "local-kv:b", "--cursor", "folder"]).failed(1, "folder: ");
    assert!(!shell.path().join("b").exists());
}
