//! Cloudflare's runtime of workers, in which the SDK is tested: no emulator, but installed where they are.

use std::env;
use std::env::consts::{ARCH, OS};

use super::cache::Cache;
use super::install::packages_of_node;
use crate::{Outcome, say};

/// The variable in which tests look for the program.
const VARIABLE: &str = "LARDER_WORKERD";

/// The version of the package. Exact, so that the same tests mean the same everywhere.
const VERSION: &str = "1.20261117.1";

/// What to set so that tests find the program: nothing where it is set already.
pub(super) fn variable(cache: &Cache) -> Outcome<Option<(String, String)>> {
    if env::var_os(VARIABLE).is_some() {
        return Ok(None);
    }
    Ok(Some((VARIABLE.to_owned(), install(cache)?)))
}

/// The program, installed if it was not.
fn install(cache: &Cache) -> Outcome<String> {
    let package = package(OS, ARCH)?;
    let folder = cache.install(&format!("workerd-{VERSION}"), |partial| {
        say(&format!("installing workerd {VERSION}"));
        packages_of_node(partial, &[&format!("{package}@{VERSION}")])
            .map_err(|what| format!("workerd {VERSION} could not be installed: {what}"))
    })?;
    Ok(folder.join("node_modules").join(package).join("bin/workerd").display().to_string())
}

/// The package that has the program for a machine, as Rust calls it. The one for all of them starts it by Node.js, and who
/// stops that leaves the program behind.
fn package(os: &str, arch: &str) -> Outcome<&'static str> {
    match (os, arch) {
        ("linux", "x86_64") => Ok("@cloudflare/workerd-linux-64"),
        ("linux", "aarch64") => Ok("@cloudflare/workerd-linux-arm64"),
        ("macos", "x86_64") => Ok("@cloudflare/workerd-darwin-64"),
        ("macos", "aarch64") => Ok("@cloudflare/workerd-darwin-arm64"),
        _ => Err(format!(
            "there is no workerd for {os} on {arch}; build it, and set {VARIABLE} to its program"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_package_is_told_what_to_set() {
        assert_eq!(package("linux", "x86_64"), Ok("@cloudflare/workerd-linux-64"));
        let told = package("plan9", "mips").unwrap_err();
        assert!(told.contains("plan9") && told.contains(VARIABLE), "{told}");
    }
}
