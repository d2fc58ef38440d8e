//! `larder serve` with nothing configured.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;

use crate::serving::Serving;
use crate::support::{Said, Shell};

const USUAL: &str = "127.0.0.1:8080";

/// Starts it without any variable. The port is another one: the usual one may be somebody's.
#[track_caller]
fn start(shell: &Shell) -> Serving {
    let mut command = shell.command(&["serve", "--output", "json", "--listen", "127.0.0.1:0"]);
    Serving::of(command.env_clear().spawn().expect("it starts"))
}

#[test]
fn it_keeps_what_it_is_given_where_it_was_started() {
    const KEY: &str = "GET /v1/operations/data?key=k";
    let shell = Shell::new();
    let serving = start(&shell);
    assert_eq!((&serving.said["keys"], &serving.said["bindings"]), (&false.into(), &["default"][..].into()));
    let json = [("Content-Type", "application/json")];
    assert_eq!(serving.ask(KEY, &[], "").0, 404);
    let put = serving.ask("POST /v1/operations/data", &json, r#"{"key":"k","value":[1]}"#);
    assert_eq!(put, (200, r#"{"key":"k","stored":true}"#.to_owned()));
    let stored = (200, r#"{"key":"k","value":[1]}"#.to_owned());
    assert_eq!(serving.ask(KEY, &[], ""), stored);
    serving.terminate();
    let ended = serving.ended();
    assert!(ended.status.success(), "{ended:?}");

    let made = fs::read_dir(shell.path()).expect("a directory").map(|made| made.expect("a name").file_name());
    assert_eq!(made.collect::<Vec<_>>(), [".larder"]);
    assert_eq!(start(&shell).ask(KEY, &[], ""), stored);
}

#[test]
fn it_listens_for_this_machine_alone() {
    let shell = Shell::new();
    // Whoever had it before, nobody can listen there now, so that it has to say where it wanted to.
    let _taken = TcpListener::bind(USUAL);
    let mut process = shell.command(&["serve"]).env_clear().spawn().expect("it starts");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut line).expect("it can be read");
    if !line.is_empty() {
        process.kill().expect("it runs");
        panic!("{line}");
    }
    let said = Said::from(process.wait_with_output().expect("it ends"));
    said.failed(1, &format!("listening on {USUAL}"));
}
