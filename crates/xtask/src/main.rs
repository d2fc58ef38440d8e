//! The repository's chores: `cargo xtask test`, `cargo xtask ci`.

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Parser;

/// The repository's chores.
#[derive(Debug, Parser)]
enum Task {
    /// Runs every test: units, documentation, conformance, integration, and each feature combination.
    Test,
    /// Runs what has to pass before a merge: formatting, lints, documentation, tests, dependencies.
    Ci,
}

/// The feature sets of `larder` that people build, beside the default.
const FEATURE_SETS: [&[&str]; 2] =
    [&["--no-default-features"], &["--no-default-features", "--features", "local"]];

type Outcome = Result<(), String>;

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Test => test(),
        Task::Ci => ci(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("xtask: {what}");
            ExitCode::FAILURE
        }
    }
}

fn test() -> Outcome {
    cargo(&["test", "--workspace"], &[])?;
    for features in FEATURE_SETS {
        cargo(&[&["test", "--package", "larder"], features].concat(), &[])?;
    }
    Ok(())
}

fn ci() -> Outcome {
    cargo(&["fmt", "--all", "--check"], &[])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])?;
    for features in FEATURE_SETS {
        let clippy = ["clippy", "--package", "larder", "--all-targets"];
        cargo(&[&clippy, features, &["--", "-D", "warnings"]].concat(), &[])?;
    }
    cargo(&["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    test()?;
    deny()
}

/// Checks licences, sources and bans; the advisories need their database, which is fetched.
fn deny() -> Outcome {
    let is_installed =
        Command::new(cargo_path()).args(["deny", "--version"]).output().is_ok_and(|out| out.status.success());
    if is_installed {
        return cargo(&["deny", "--all-features", "check"], &[]);
    }
    println!(
        "xtask: cargo-deny is not installed, so dependencies were not checked (cargo install cargo-deny --locked)"
    );
    Ok(())
}

fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    println!("$ cargo {}", arguments.join(" "));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let status = Command::new(cargo_path())
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root)
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`cargo {}` failed", arguments.join(" "))) }
}

fn cargo_path() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
