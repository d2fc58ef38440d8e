//! The examples of docs/cli.md, completions, and manual pages.

use std::process::Command;

use crate::support::Shell;

const DOCUMENT: &str = include_str!("../../../../docs/cli.md");

/// The lines of the blocks that are marked `console`: what begins with `$ ` is run, and the rest is what it prints.
fn sessions() -> Vec<String> {
    DOCUMENT
        .split("```console\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn the_examples_print_what_the_document_says() {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_larder"));
    let path = std::env::join_paths(
        [program.parent().expect("a directory").to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )
    .expect("a path");
    let sessions = sessions();
    assert!(sessions.len() >= 4, "the document has examples");
    for session in sessions {
        let shell = Shell::new();
        let mut expected = String::new();
        let mut command: Option<&str> = None;
        // One more prompt at the end, so that the last command is checked, too.
        for line in session.lines().chain(["$ "]) {
            let Some(next) = line.strip_prefix("$ ").or(line.strip_prefix("$")) else {
                expected.push_str(line);
                expected.push('\n');
                continue;
            };
            if let Some(command) = command {
                let output = Command::new("sh")
                    .args(["-c", command])
                    .current_dir(shell.path())
                    .env("PATH", &path)
                    .env_remove("LARDER_BINDINGS")
                    .output()
                    .expect("a shell");
                let said = String::from_utf8_lossy(&output.stdout).into_owned()
                    + &String::from_utf8_lossy(&output.stderr);
                assert!(matches(&expected, &said), "$ {command}\n{said}\ninstead of\n{expected}");
            }
            expected.clear();
            command = Some(next);
        }
    }
}

/// Whether a text is as expected; … stands for what is another each time.
fn matches(expected: &str, said: &str) -> bool {
    let mut parts = expected.trim_end().split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = said.trim_end().strip_prefix(first) else { return false };
    let parts: Vec<_> = parts.collect();
    for (at, part) in parts.iter().enumerate() {
        if at + 1 == parts.len() && !part.is_empty() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(found) => rest = &rest[found + part.len()..],
            None => return false,
        }
    }
    parts.last().is_some_and(|last| last.is_empty()) || rest.is_empty()
}

#[test]
fn every_command_and_exit_code_is_in_the_document() {
    let shell = Shell::new();
    let help = shell.done(&["--help"]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let mut count = 0;
    for line in commands.take_while(|line| !line.is_empty()) {
        let Some(name) = line.strip_prefix("  ").and_then(|line| line.split_whitespace().next()) else {
            continue;
        };
        if line.starts_with("   ") || name == "help" {
            continue;
        }
        assert!(DOCUMENT.contains(&format!("`larder {name}")), "{name} is not in docs/cli.md");
        count += 1;
    }
    assert!(count >= 15, "{help}");
    for code in 0..=4 {
        assert!(DOCUMENT.contains(&format!("| {code} |")), "exit code {code}");
    }
}

#[test]
fn completions_and_manual_pages_are_written() {
    let shell = Shell::new();
    for (name, mark) in [("bash", "complete"), ("zsh", "#compdef larder"), ("fish", "complete -c larder")] {
        assert!(shell.done(&["completions", name]).contains(mark), "{name}");
    }
    // A shell takes the script.
    std::fs::write(shell.path().join("script"), shell.done(&["completions", "bash"])).expect("written");
    let bash = Command::new("bash").args(["-n", "script"]).current_dir(shell.path()).status();
    assert!(bash.expect("bash").success());
    shell.done(&["man", "pages"]);
    for page in ["larder.1", "larder-copy.1", "larder-get.1"] {
        let text = std::fs::read_to_string(shell.path().join("pages").join(page)).expect(page);
        assert!(text.contains(".TH"), "{page}");
    }
    assert!(shell.done(&["man"]).contains(".TH larder 1"));
}
