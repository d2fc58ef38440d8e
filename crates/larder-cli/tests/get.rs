//! `larder get`, as a process.

use std::process::{Command, Output};

use tempfile::TempDir;

fn larder(dir: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_larder"))
        .args(arguments)
        .current_dir(dir)
        .env_remove("LARDER_BINDINGS")
        .output()
        .expect("it runs")
}

#[test]
fn reading_makes_no_store() {
    let dir = TempDir::new().expect("a directory");
    let output = larder(&dir, &["get", "user:1"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("there is no store in .larder"), "{said}");
    assert!(!dir.path().join(".larder").exists());
}

#[test]
fn a_wrong_command_line_is_usage() {
    let dir = TempDir::new().expect("a directory");
    for arguments in [&["get"][..], &["--what"], &["get", "k", "--binding", "a", "--url", "local-kv:x"]] {
        assert_eq!(larder(&dir, arguments).status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(larder(&dir, &["get", "k", "--binding", "no such id"]).status.code(), Some(2));
}
