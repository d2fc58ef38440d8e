//! export and import.

use twox_hash::XxHash64;

use crate::support::{Shell, spoil};

/// An export, made by hand from what docs/cli.md says of the form.
pub(crate) fn export(entries: impl IntoIterator<Item = (String, String)>) -> Vec<u8> {
    let mut sum = 0;
    let mut text = String::new();
    let mut line = |body: &str| {
        sum = XxHash64::oneshot(sum, body.as_bytes());
        text.push_str(&format!("{body},\"sum\":\"{sum:016x}\"}}\n"));
    };
    line(r#"{"larder":"export","format":1,"prefix":"""#);
    let mut count = 0;
    for (key, value) in entries {
        line(&format!(r#"{{"key":"{key}","text":"{value}""#));
        count += 1;
    }
    line(&format!(r#"{{"entries":{count}"#));
    text.into_bytes()
}

fn filled() -> Shell {
    let shell = Shell::new();
    shell.done(&["put", "user:1", "Alice", "--ttl", "1h"]);
    shell.run_with(&["put", "user:2"], &[0xFF, 0, 10]).done();
    shell.done(&["put", "odd / key \"~", "line\nline"]);
    shell.done(&["put", "gone", "x", "--ttl", "1ms"]);
    shell
}

#[test]
fn an_export_brings_back_the_same_store() {
    let shell = filled();
    let said = shell.run(&["export", "file"]);
    said.failed(0, "exported 3 entries");
    assert_eq!(shell.done(&["import", "file", "-u", "local-kv:b"]), "imported 3 entries (17 B)\n");
    assert_eq!(shell.done(&["scan"]), shell.done(&["scan", "-u", "local-kv:b"]));
    // By pipes, compressed, and a prefix alone.
    let bytes = shell.run(&["export", "--zstd", "--prefix", "user:"]).bytes;
    assert_eq!(&bytes[..4], [0x28, 0xB5, 0x2F, 0xFD]);
    shell.run_with(&["import", "-u", "local-kv:c"], &bytes).done();
    assert_eq!(shell.done(&["scan", "user:"]), shell.done(&["scan", "-u", "local-kv:c"]));
    assert_eq!(shell.done(&["export"]), std::fs::read_to_string(shell.path().join("file")).expect("there"));
}

#[test]
fn the_form_is_the_documented_one() {
    let shell = Shell::new();
    let entries = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
    shell.run_with(&["import"], &export(entries.clone())).done();
    assert_eq!(shell.run(&["export"]).bytes, export(entries));
    shell.run_with(&["import", "-u", "local-kv:none"], &export([])).done();
}

#[test]
fn an_export_that_was_changed_or_cut_off_writes_nothing() {
    let shell = filled();
    shell.done(&["export", "file"]);
    let whole = std::fs::read(shell.path().join("file")).expect("there");
    let lines: Vec<_> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let changed = String::from_utf8(whole.clone()).expect("text").replace("Alice", "Mallo").into_bytes();
    let no_end = lines[..lines.len() - 1].concat();
    let removed = [&lines[..1], &lines[2..]].concat().concat();
    for (bytes, why) in [
        (changed, "line 3: the checksum is wrong"),
        (no_end, "was cut off"),
        (whole[..whole.len() - 3].to_vec(), "line 5: the line is cut off"),
        (removed, "line 2: the checksum is wrong"),
        (b"{}\n".to_vec(), "no export of larder"),
        (Vec::new(), "no export of larder"),
    ] {
        std::fs::write(shell.path().join("bad"), &bytes).expect("written");
        shell.run(&["import", "bad", "-u", "local-kv:b"]).failed(1, why);
        let said = shell.run_with(&["import", "-u", "local-kv:b"], &bytes);
        said.failed(1, why);
        assert!(!said.errors.contains("Mallo") && !said.errors.contains("Alice"), "{said:?}");
        assert!(!shell.path().join("b").exists(), "nothing was written");
    }
    let compressed = shell.run(&["export", "--zstd"]).bytes;
    let cut = &compressed[..compressed.len() - 5];
    assert_eq!(shell.run_with(&["import", "-u", "local-kv:b"], cut).code, 1);
    assert!(!shell.path().join("b").exists());
}

#[test]
fn an_import_keeps_or_replaces_what_is_there_only_when_told() {
    let shell = filled();
    shell.done(&["export", "file"]);
    shell.done(&["put", "user:1", "Bob", "-u", "local-kv:b"]);
    shell.run(&["import", "file", "-u", "local-kv:b"]).failed(1, "--skip-existing");
    assert_eq!(shell.done(&["scan", "--keys", "-u", "local-kv:b"]), "user:1\n");
    let said = shell.done(&["import", "file", "-u", "local-kv:b", "--skip-existing"]);
    assert!(said.contains("1 there already"), "{said}");
    assert_eq!(shell.done(&["get", "user:1", "-u", "local-kv:b"]), "Bob");
    shell.done(&["import", "file", "-u", "local-kv:b", "--overwrite"]);
    assert_eq!(shell.done(&["scan"]), shell.done(&["scan", "-u", "local-kv:b"]));
}

#[test]
fn what_expired_since_the_export_is_not_revived() {
    let shell = Shell::new();
    let body = r#"{"key":"old","text":"x","expires":1767225600000"#;
    let header = r#"{"larder":"export","format":1,"prefix":"""#;
    let mut sum = 0;
    let lines = [header, body, r#"{"entries":1"#].map(|body| {
        sum = XxHash64::oneshot(sum, body.as_bytes());
        format!("{body},\"sum\":\"{sum:016x}\"}}\n")
    });
    let said = shell.run_with(&["import"], lines.concat().as_bytes()).done();
    assert_eq!(said, "imported 0 entries (0 B), 1 expired on the way\n");
    assert_eq!(shell.run(&["get", "old"]).code, 3);
}

#[test]
fn a_record_that_cannot_be_decoded_does_not_stop_an_export() {
    let shell = filled();
    spoil(&shell.path().join(".larder"), "user:1");
    let said = shell.run(&["export"]);
    said.failed(1, "1 unreadable");
    shell.run_with(&["import", "-u", "local-kv:b"], &said.bytes).done();
    assert_eq!(shell.done(&["scan", "--keys", "-u", "local-kv:b"]), "odd / key \"~\nuser:2\n");
}

#[test]
fn an_export_that_fails_leaves_the_old_file() {
    let shell = filled();
    std::fs::write(shell.path().join("file"), "old").expect("written");
    shell.run(&["export", "file", "-u", "local-kv:nowhere"]).failed(1, "there is no store");
    assert_eq!(std::fs::read_to_string(shell.path().join("file")).expect("there"), "old");
    shell.run(&["export", "no/such/dir/file"]).failed(1, "no/such/dir/file");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_into_and_links_stay_links() {
    use std::os::unix::fs::{FileTypeExt, symlink};

    let shell = filled();
    let whole = shell.done(&["export"]);
    let path = |name: &str| shell.path().join(name);
    let made = std::process::Command::new("mkfifo").arg(path("pipe")).status().expect("it runs");
    assert!(made.success());
    let reader = std::thread::spawn({
        let pipe = path("pipe");
        move || std::fs::read_to_string(pipe).expect("it is read")
    });
    shell.done(&["export", "pipe"]);
    assert!(std::fs::symlink_metadata(path("pipe")).expect("there").file_type().is_fifo());
    assert_eq!(reader.join().expect("no panic"), whole);
    shell.done(&["export", "/dev/null"]);

    std::fs::create_dir(path("dir")).expect("made");
    std::fs::write(path("dir/there"), "old").expect("written");
    for name in ["there", "not-yet"] {
        symlink(format!("dir/{name}"), path(name)).expect("linked");
        shell.done(&["export", name]);
        assert!(path(name).is_symlink(), "{name}");
        assert_eq!(std::fs::read_to_string(path("dir").join(name)).expect("there"), whole, "{name}");
    }
    symlink("loop", path("loop")).expect("linked");
    shell.run(&["export", "loop"]).failed(1, "loop");
    shell.run(&["export", "dir"]).failed(1, "dir");
}

#[cfg(target_os = "linux")]
#[test]
fn an_export_to_a_full_disk_fails() {
    let shell = filled();
    for arguments in [&["export"][..], &["export", "--zstd"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
        let said = shell.command(arguments).stdout(full).output().expect("it runs");
        assert_eq!(said.status.code(), Some(1), "{said:?}");
        shell.run(&[arguments, &["/dev/full"]].concat()).failed(1, "/dev/full");
    }
}

#[test]
fn what_can_be_read_of_a_damaged_store_is_salvaged() {
    let shell = filled();
    shell.done(&["put", "n", "1", "-u", "local-kv:.larder?keyPrefix=ns"]);
    let whole = shell.done(&["export"]);
    // Without its snapshot sled refuses the store.
    let dir = shell.path().join(".larder");
    for file in std::fs::read_dir(&dir).expect("there") {
        let path = file.expect("an entry").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("snap.")) {
            std::fs::write(path, "damaged beyond repair").expect("written");
        }
    }
    shell.run(&["export"]).failed(1, "damaged store");
    let said = shell.run(&["export", "--salvage"]);
    said.failed(0, "older state");
    assert_eq!(said.text(), whole);
    let of_namespace = shell.done(&["export", "--salvage", "-u", "local-kv:.larder?keyPrefix=ns"]);
    assert!(of_namespace.contains(r#"{"key":"n","text":"1","#), "{of_namespace}");
    shell.run(&["export", "--salvage", "-u", "local-kv:nowhere"]).failed(1, "nowhere");
    shell.run(&["export", "--salvage", "-u", "dynamodb://table?region=r"]).failed(2, "embedded");
}

#[test]
fn a_key_that_is_too_long_for_the_target_is_found_before_anything_is_written() {
    let shell = Shell::new();
    let short = (0..5_000).map(|number| (format!("entry:{number:04}"), "v".to_owned()));
    let lines = export(short.chain([("k".repeat(510), "v".to_owned())]));
    let said = shell.run_with(&["import", "-u", "local-kv:b?keyPrefix=ns"], &lines);
    said.failed(1, "the standard input, line 5002: ");
    assert!(said.errors.contains("nothing was written"), "{said:?}");
    assert_eq!(shell.done(&["scan", "--keys", "-u", "local-kv:b?keyPrefix=ns"]), "");
}

#[test]
fn a_compressed_export_that_was_cut_off_says_so() {
    let shell = filled();
    let bytes = shell.run(&["export", "--zstd"]).bytes;
    let said = shell.run_with(&["import", "-u", "local-kv:b"], &bytes[..bytes.len() / 2]);
    said.failed(1, "the standard input ends after line ");
    assert!(said.errors.contains("it was cut off"), "{said:?}");
    assert!(!shell.path().join("b").exists());
}

#[test]
fn a_file_in_the_stores_own_directory_is_refused() {
    let shell = filled();
    let before = shell.done(&["scan"]);
    std::fs::create_dir(shell.path().join("beside")).expect("made");
    for arguments in [
        &["export", ".larder/db"][..],
        &["export", "beside/../.larder/new"],
        &["export", "--salvage", ".larder/db"],
        &["copy", "local-kv:.larder", "local-kv:b", "--cursor", ".larder/db"],
        &["copy", "local-kv:.larder", "local-kv:b", "--cursor", "b/cursor"],
    ] {
        shell.run(arguments).failed(2, "name a file elsewhere");
    }
    assert!(!shell.path().join("b").exists());
    let up = ["up", "--platform", "local", "--yes", "--bindings"];
    shell.done(&[&up[..], &["bindings.toml"]].concat());
    let stores = std::fs::read_dir(shell.path().join(".larder-stores")).expect("there");
    let store = stores.map(|store| store.expect("there").path()).next().expect("one");
    let within = store.join("bindings.toml").display().to_string();
    shell.run(&[&up[..], &[&within]].concat()).failed(2, "name a file elsewhere");
    assert!(!std::path::Path::new(&within).exists());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(".larder/db", shell.path().join("link")).expect("a link");
        shell.run(&["export", "link"]).failed(2, "name a file elsewhere");
    }
    assert_eq!(shell.done(&["scan"]), before);
    shell.done(&["export", ".larder.export"]);
}

#[cfg(unix)]
#[test]
fn a_salvage_that_is_interrupted_leaves_nothing_that_others_can_read() {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;

    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut shell = Shell::new();
        // More than a pipe takes, so that it waits for its reader.
        let entries = (0..100).map(|number| (format!("k{number}"), "v".repeat(20_000)));
        shell.run_with(&["import"], &export(entries)).done();
        let temporary = shell.path().join("temporary");
        std::fs::create_dir(&temporary).expect("made");
        shell.set("TMPDIR", temporary.display().to_string());
        let mut child = shell.start(&["export", "--salvage"]);
        let mut first = [0];
        child.stdout.as_mut().expect("a pipe").read_exact(&mut first).expect("it writes");
        let dirs = || std::fs::read_dir(&temporary).expect("there").map(|dir| dir.expect("there").path());
        let modes: Vec<_> =
            dirs().map(|dir| dir.metadata().expect("there").permissions().mode() & 0o777).collect();
        assert_eq!(modes, [0o700]);
        let sent = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(sent.expect("it runs").success());
        assert_eq!(child.wait().expect("it ends").code(), Some(code));
        assert_eq!(dirs().count(), 0, "nothing is left behind");
    }
}
