//! The program at a terminal: questions, the bar, tables, colours; and that a pipe gets none of them.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use crate::export::export;
use crate::support::Shell;

/// How long a test waits for what comes next, before it gives the program up for hung.
const PATIENCE: Duration = Duration::from_secs(120);
const STORE: &str = "cache-5e1ecee0";

/// The program, and whoever sits at its terminal.
struct Terminal {
    child: Child,
    pty: Pty,
    shown: String,
    output: Receiver<Vec<u8>>,
}

impl Terminal {
    /// Starts it, with all three of its streams at the terminal.
    fn start(shell: &Shell, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::run(Command::from(shell.command(arguments)), variables)
    }

    fn run(command: Command, variables: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().expect("a terminal");
        pty.resize(Size::new(40, 200)).expect("it has a size");
        let mut command = command.env("TERM", "xterm-256color");
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
            command = command.env_remove(name);
        }
        command = command.envs(variables.iter().copied());
        let child = command.spawn(pts).expect("it starts");
        let mut reader = File::from(pty.as_fd().try_clone_to_owned().expect("a handle"));
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4_096];
            loop {
                match reader.read(&mut buffer) {
                    // Linux says EIO when nobody has the other end any more.
                    Ok(0) => return,
                    Err(error) if error.kind() != ErrorKind::Interrupted => return,
                    Err(_) => {}
                    Ok(read) => {
                        if sender.send(buffer[..read].to_vec()).is_err() {
                            return;
                        }
                    }
                }
            }
        });
        Self { child, pty, shown: String::new(), output }
    }

    /// Waits until it shows a text.
    #[track_caller]
    fn sees(&mut self, text: &str) -> &mut Self {
        while !self.shown.contains(text) {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("it hangs: {:?}", self.shown),
                Err(RecvTimeoutError::Disconnected) => panic!("{text:?} was not shown: {:?}", self.shown),
            }
        }
        self
    }

    fn types(&mut self, line: &str) -> &mut Self {
        writeln!(self.pty, "{line}").expect("it is typed");
        self
    }

    /// Waits until it ends; its exit code, and all that was shown.
    #[track_caller]
    fn ends(mut self) -> (i32, String) {
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.shown.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it hangs: {:?}", self.shown),
            }
        }
        let status = self.child.wait().expect("it ends");
        (status.code().expect("it was not killed"), std::mem::take(&mut self.shown))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended, or the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether there is a colour or another style in a text.
fn is_styled(text: &str) -> bool {
    text.split('\u{1b}').skip(1).any(|rest| {
        let code = rest.trim_start_matches(|c: char| c == '[' || c == ';' || c.is_ascii_digit());
        code.starts_with('m')
    })
}

const UP: [&str; 3] = ["up", "--platform", "local"];
const DOWN: [&str; 3] = ["down", "--platform", "local"];

#[test]
fn up_asks_and_does_nothing_without_a_yes() {
    let shell = Shell::new();
    for answer in ["n", "", "maybe"] {
        let mut terminal = Terminal::start(&shell, &UP, &[]);
        terminal.sees("Carry this out? [y/N]").types(answer);
        let (code, shown) = terminal.ends();
        assert_eq!(code, 1, "{shown}");
        assert!(shown.contains("+ layout record") && shown.contains("nothing was changed"), "{shown}");
        assert_eq!(std::fs::read_dir(shell.path()).expect("a directory").count(), 0, "{answer:?}");
    }
    let mut terminal = Terminal::start(&shell, &UP, &[]);
    terminal.sees("Carry this out? [y/N]").types("y");
    let (code, shown) = terminal.ends();
    assert_eq!(code, 0, "{shown}");
    assert!(shell.path().join("bindings.toml").exists());
    // Nothing to do: nobody is asked.
    let (code, shown) = Terminal::start(&shell, &UP, &[]).ends();
    assert!(code == 0 && !shown.contains("[y/N]"), "{shown}");
}

#[test]
fn down_wants_the_name_again() {
    let shell = Shell::new();
    shell.done(&[&UP[..], &["--yes"]].concat());
    let place = shell.path().join(".larder-stores").join(STORE);
    for typed in ["", "y", "cache", "cache-5e1ecee1"] {
        let mut terminal = Terminal::start(&shell, &DOWN, &[]);
        terminal.sees(&format!("Type {STORE} to go on:")).types(typed);
        let (code, shown) = terminal.ends();
        assert_eq!(code, 2, "{typed:?}: {shown}");
        assert!(place.join("db").exists(), "{typed:?}: {shown}");
    }
    let mut terminal = Terminal::start(&shell, &DOWN, &[]);
    terminal.sees(&format!("Type {STORE} to go on:")).types(STORE);
    let (code, shown) = terminal.ends();
    assert!(code == 0 && !place.exists(), "{shown}");
}

#[test]
fn a_question_at_the_end_of_the_input_is_a_no() {
    let shell = Shell::new();
    let mut terminal = Terminal::start(&shell, &UP, &[]);
    // Control-D.
    terminal.sees("Carry this out? [y/N]");
    terminal.pty.write_all(b"\x04").expect("it is typed");
    let (code, shown) = terminal.ends();
    assert_eq!(code, 1, "{shown}");
    assert_eq!(std::fs::read_dir(shell.path()).expect("a directory").count(), 0);
}

/// A shell whose store `a` has as many entries as a copy of 2 s.
fn filled() -> Shell {
    let shell = Shell::new();
    let entries = (0..3_000).map(|number| (format!("k{number:04}"), "v".to_owned()));
    shell.run_with(&["import", "-u", "local-kv:a"], &export(entries)).done();
    shell
}

const COPY: [&str; 5] = ["copy", "local-kv:a", "local-kv:b", "--rate", "1000"];

#[test]
fn a_bar_shows_entries_bytes_and_rate() {
    let shell = filled();
    let mut terminal = Terminal::start(&shell, &COPY, &[]);
    terminal.sees("1000 entries, 1000 B, ").sees("/s, ");
    let (code, shown) = terminal.ends();
    assert!(code == 0 && shown.contains("copied 3000 entries"), "{shown}");

    // What is to come is known once it was counted.
    let mut terminal = Terminal::start(&shell, &[&COPY[..], &["--count", "--overwrite"]].concat(), &[]);
    terminal.sees("/3000 entries, ").sees(" left");
    let (code, shown) = terminal.ends();
    assert!(code == 0 && shown.contains('█'), "{shown}");
}

#[test]
fn a_bar_shows_where_only_the_output_goes_into_a_pipe() {
    let shell = filled();
    let command = Command::from(shell.command(&COPY)).stdout(Stdio::piped());
    let mut terminal = Terminal::run(command, &[]);
    let mut stdout = terminal.child.stdout.take().expect("a pipe");
    terminal.sees("1000 entries, ");
    let mut printed = String::new();
    stdout.read_to_string(&mut printed).expect("text");
    assert!(printed.starts_with("copied 3000 entries ("), "{printed:?}");
    assert_eq!(printed.lines().count(), 1, "{printed:?}");
    assert_eq!(terminal.ends().0, 0);
}

#[test]
fn a_pipe_gets_no_bar_no_question_and_no_style() {
    let shell = filled();
    let said = shell.run(&COPY);
    assert_eq!((said.code, said.errors.as_str()), (0, ""));
    assert!(said.text().starts_with("copied 3000 entries"), "{said:?}");
    let said = shell.run(&UP);
    said.failed(2, "--yes");
    assert!(!said.errors.contains("[y/N]"), "{said:?}");
    for arguments in
        [&["scan", "-u", "local-kv:a"][..], &["check", "-u", "local-kv:a"], &["stats", "-u", "local-kv:a"]]
    {
        let said = shell.run(arguments);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(!said.text().contains('\u{1b}') && !said.errors.contains('\u{1b}'), "{said:?}");
        assert!(!said.text().contains('✓') && !said.text().contains("KEY"), "{said:?}");
    }
}

#[test]
fn a_person_gets_tables_with_colours() {
    let shell = Shell::new();
    shell.done(&["put", "user:1", "Alice"]);
    let shown = |arguments: &[&str], variables: &[(&str, &str)]| {
        let (code, shown) = Terminal::start(&shell, arguments, variables).ends();
        assert_eq!(code, 0, "{shown}");
        shown
    };
    let scan = shown(&["scan"], &[]);
    assert!(scan.contains("KEY") && scan.contains("user:1") && is_styled(&scan), "{scan:?}");
    let check = shown(&["check"], &[]);
    assert!(check.contains("\u{1b}[32m✓\u{1b}[0m") && check.contains("WHAT TO DO"), "{check:?}");
    // Tables stay, colours go.
    for plain in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        for (arguments, heading) in [(&["scan"], "KEY"), (&["check"], "CHECK")] {
            let shown = shown(arguments, &[plain]);
            assert!(shown.contains(heading) && !is_styled(&shown), "{plain:?}: {shown:?}");
        }
        assert!(shown(&["check"], &[plain]).contains('✓'));
    }
    let help = Terminal::start(&shell, &["--help"], &[("NO_COLOR", "1")]).ends();
    assert!(help.0 == 0 && !is_styled(&help.1), "{help:?}");
}

#[test]
fn a_value_does_nothing_to_the_terminal() {
    let shell = Shell::new();
    shell.run_with(&["put", "k"], b"\x1b[2J\x07 end\xFF").done();
    for command in ["get", "scan"] {
        let arguments = if command == "get" { &["get", "k"][..] } else { &["scan"] };
        let (code, shown) = Terminal::start(&shell, arguments, &[("NO_COLOR", "1")]).ends();
        assert!(code == 0 && shown.contains(r"\x1B[2J\x07 end\xFF"), "{shown:?}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown:?}");
    }
    // Nobody waits for a value that nobody knows is to be typed.
    let (code, shown) = Terminal::start(&shell, &["put", "k"], &[]).ends();
    assert!(code == 2 && shown.contains("there is no value"), "{shown}");
}
