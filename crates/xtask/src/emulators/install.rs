//! How each emulator is installed.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cache::Cache;
use super::kind::Emulator;
use crate::checks::cargo_path;
use crate::{Outcome, say};

/// What npm says of the archive of dynoxide 1.2.1. It is a program that nobody here built, so it is compared.
const DYNOXIDE_INTEGRITY: &str =
    "sha512-sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg==";

const NPM: &str = "Node.js 20 or later with npm (on Debian: apt-get install nodejs npm)";
const PYTHON: &str = "Python 3.10 or later with venv (on Debian: apt-get install python3 python3-venv)";
const TAR: &str = "tar";
const RUST: &str = "Rust, with rustup";

/// The folder in which the emulator is, installed if it was not.
pub(super) fn install(cache: &Cache, emulator: Emulator) -> Outcome<PathBuf> {
    let (name, version) = (emulator.name(), emulator.version());
    cache.install(&format!("{name}-{version}"), |partial| {
        say(&format!("installing {name} {version}"));
        match emulator {
            Emulator::Dynoxide if Emulator::HAS_BUILT_DYNOXIDE => built_dynoxide(partial, version),
            Emulator::Dynoxide => {
                let features = ["--no-default-features", "--features", "native-sqlite,http-server,cli"];
                crate_from_source(partial, "dynoxide-rs", version, &features)
            }
            Emulator::Ministack => packages_of_python(partial, &[&format!("ministack=={version}")]),
            Emulator::Moto => packages_of_python(partial, &[&format!("moto[server,dynamodb]=={version}")]),
            Emulator::Azurite => packages_of_node(partial, &[&format!("azurite@{version}")]),
            Emulator::Hidane => crate_from_source(partial, "hidane", version, &[]),
        }
        .map_err(|what| format!("{name} {version} could not be installed: {what}"))
    })
}

fn built_dynoxide(partial: &Path, version: &str) -> Outcome {
    let mut npm = Command::new("npm");
    npm.args(["pack", "--json", "--loglevel=error", "--pack-destination"]).arg(partial);
    let said = run(npm.arg(format!("@dynoxide/linux-x64@{version}")), NPM)?;
    if !said.contains(DYNOXIDE_INTEGRITY) {
        return Err(format!("the archive is not the expected one, {DYNOXIDE_INTEGRITY}; npm said: {said}"));
    }
    let bin = partial.join("bin");
    fs::create_dir(&bin).map_err(|error| format!("{} cannot be made: {error}", bin.display()))?;
    let archive = partial.join(format!("dynoxide-linux-x64-{version}.tgz"));
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(&archive).arg("-C").arg(&bin).args(["--strip-components=1", "package/dynoxide"]);
    run(&mut tar, TAR)?;
    fs::remove_file(&archive).map_err(|error| format!("{} cannot be removed: {error}", archive.display()))
}

/// Makes a folder whose `node_modules` has these packages.
pub(super) fn packages_of_node(partial: &Path, packages: &[&str]) -> Outcome {
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(partial);
    run(npm.args(packages), NPM).map(drop)
}

/// Makes a virtual environment with these packages.
pub(crate) fn packages_of_python(partial: &Path, requirements: &[&str]) -> Outcome {
    run(Command::new("python3").args(["-m", "venv"]).arg(partial), PYTHON)?;
    let mut pip = Command::new(partial.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(requirements);
    run(&mut pip, PYTHON).map(drop)
}

fn crate_from_source(partial: &Path, name: &str, version: &str, features: &[&str]) -> Outcome {
    say(&format!("{name} is built from source; that takes minutes, once"));
    let mut cargo = Command::new(cargo_path());
    // An emulator need not be the fastest. With its own release profile, which optimizes across all crates, the build
    // takes 16 minutes on two cores; like this a few, and what is built answers as well.
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "off");
    cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    cargo.args(["install", name, "--version", version, "--locked"]).args(features);
    run(cargo.arg("--root").arg(partial), RUST).map(drop)
}

/// What the command wrote to its output. Its complaints and its progress go where ours go.
pub(super) fn run(command: &mut Command, needs: &str) -> Outcome<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().map_err(|error| {
            match error.kind() {
                ErrorKind::NotFound => format!("`{program}` is missing: install {needs}"),
                _ => format!("`{program}` could not be started: {error}"),
            }
        })?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    Err(format!("`{program} {}` failed; it needs {needs}\n{said}", arguments.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_what_to_install() {
        let error = run(&mut Command::new("no-such-npm"), NPM).unwrap_err();
        assert_eq!(
            error,
            "`no-such-npm` is missing: install Node.js 20 or later with npm \
             (on Debian: apt-get install nodejs npm)"
        );
    }

    #[test]
    fn a_failure_is_told_with_the_command() {
        let error = run(Command::new("sh").args(["-c", "echo why; exit 3"]), "a shell").unwrap_err();
        assert_eq!(error, "`sh -c echo why; exit 3` failed; it needs a shell\nwhy\n");
    }
}
