//! What is run before a merge.

use std::env;
use std::process::Command;

use crate::emulators::Session;
use crate::{Outcome, root, templates};

/// The feature sets of `larder` that people build, beside the default.
const FEATURE_SETS: [&[&str]; 6] = [
    &["--no-default-features"],
    &["--no-default-features", "--features", "local"],
    &["--no-default-features", "--features", "aws"],
    &["--no-default-features", "--features", "gcp"],
    &["--no-default-features", "--features", "azure"],
    &["--no-default-features", "--features", "gateway"],
];

pub(crate) fn test() -> Outcome {
    // Dropped on every way out, also after a failed test: that stops what was started here.
    let emulators = Session::start()?;
    let variables = emulators.variables();
    cargo(&["test", "--workspace"], &variables)?;
    for features in FEATURE_SETS {
        cargo(&[&["test", "--package", "larder"], features].concat(), &variables)?;
    }
    // The program without traces has modules of its own.
    cargo(&["check", "--package", "larder-cli", "--no-default-features", "--features", "local"], &[])?;
    templates::lint()
}

pub(crate) fn ci() -> Outcome {
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
    let status = Command::new(cargo_path())
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(root())
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`cargo {}` failed", arguments.join(" "))) }
}

/// The cargo that runs this, so that a chore uses one toolchain throughout.
pub(crate) fn cargo_path() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
