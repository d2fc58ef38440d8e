//! The program `larder`, which this one can be.

use std::io::{Write, stdout};
use std::path::Path;
use std::process::{Command, Stdio};

use clap::Parser;
use larder_cli::{Cli, Exit};

use crate::Outcome;
use crate::sled_suite::memory::largest_kib;
use crate::sled_suite::store::runtime;

/// Runs a command line of `larder`, and prints the most memory that it took, in KiB, behind what it prints itself.
pub(crate) fn be_larder(arguments: &[String]) -> Outcome<()> {
    let cli = Cli::try_parse_from(["larder".to_owned()].iter().chain(arguments))?;
    let exit = runtime()?.block_on(larder_cli::run(cli))?;
    if exit != Exit::Done {
        return Err(format!("larder ended with {exit:?}").into());
    }
    // Who has started a server may have left.
    let _ = writeln!(stdout(), "{}", largest_kib()?);
    Ok(())
}

/// Copies with `larder copy` as a process of its own; returns the most memory that it took, in KiB.
pub(super) fn copy(from: &Path, to: &str, variables: &[(&str, String)]) -> Outcome<f64> {
    // A cursor file of its own, which is not there, in a directory that goes with it.
    let place = tempfile::tempdir()?;
    let output = Command::new(std::env::current_exe()?)
        .args(["--larder", "copy", &format!("local-kv:{}", from.display()), to, "--cursor"])
        .arg(place.path().join("cursor"))
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("the copy failed".into());
    }
    let printed = String::from_utf8(output.stdout)?;
    Ok(printed.lines().last().unwrap_or_default().parse()?)
}
