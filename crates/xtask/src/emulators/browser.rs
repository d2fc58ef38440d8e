//! A browser and what drives it, for tests of pages: no emulators, but found or installed where they are.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;

use super::cache::Cache;
use super::install::{packages_of_node, run};
use crate::{Outcome, say};

/// The variable in which tests look for the program that is the browser.
const CHROMIUM: &str = "LARDER_CHROMIUM";
/// The variable in which tests look for the folder whose `node_modules` drives it.
const PLAYWRIGHT: &str = "LARDER_PLAYWRIGHT";

/// What drives the browser, and what judges whether everybody can use a page. Exact, so that the same tests mean the same
/// everywhere; both run on Node.js 20, and neither brings a browser of its own.
const PACKAGES: [&str; 2] = ["playwright-core@1.65.1", "axe-core@4.14.1"];
/// Changes with the packages.
const FOLDER: &str = "playwright-core-1.65.1-axe-core-4.14.1";

/// Names that the program has, on Debian and elsewhere.
const NAMES: [&str; 3] = ["chromium", "google-chrome", "chromium-browser"];
const NEEDED: &str = "Chromium (on Debian: apt-get install chromium), or set LARDER_CHROMIUM to its program";
const APT: &str = "Debian's packages and their lists";

/// What to set so that tests find the browser and what drives it: what is not set already, installed if it was not there.
pub(super) fn variables(cache: &Cache) -> Outcome<Vec<(String, String)>> {
    let mut variables = Vec::new();
    if env::var_os(CHROMIUM).is_none() {
        variables.push((CHROMIUM.to_owned(), chromium(cache)?.display().to_string()));
    }
    if env::var_os(PLAYWRIGHT).is_none() {
        variables.push((PLAYWRIGHT.to_owned(), playwright(cache)?.display().to_string()));
    }
    Ok(variables)
}

/// The program. Only root may install it, and only where apt-get is.
fn chromium(cache: &Cache) -> Outcome<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    if let Some(found) = find(&NAMES, &path) {
        return Ok(found);
    }
    if !geteuid().is_root() || find(&["apt-get"], &path).is_none() {
        return Err(format!("tests of pages need a browser: install {NEEDED}"));
    }
    let _lock = cache.lock("chromium")?;
    if let Some(found) = find(&NAMES, &path) {
        return Ok(found);
    }
    say("installing chromium by apt-get");
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        run(apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"), APT)
    };
    apt(&["update", "--quiet=2"])
        .and_then(|_| apt(&["install", "--yes", "--quiet=2", "--no-install-recommends", "chromium"]))
        .map_err(|what| format!("chromium could not be installed: {what}"))?;
    find(&NAMES, &path).ok_or_else(|| format!("apt-get installed no chromium; install {NEEDED}"))
}

fn playwright(cache: &Cache) -> Outcome<PathBuf> {
    cache.install(FOLDER, |partial| {
        say(&format!("installing {}", PACKAGES.join(", ")));
        packages_of_node(partial, &PACKAGES)
            .map_err(|what| format!("{} could not be installed: {what}", PACKAGES.join(", ")))
    })
}

/// The first of these programs that is there, in the order of the names.
fn find(names: &[&str], path: &OsStr) -> Option<PathBuf> {
    names.iter().find_map(|name| {
        env::split_paths(path).map(|folder| folder.join(name)).find(|program| is_program(program))
    })
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_is_found_by_any_of_its_names_and_a_mere_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str();
        let program = folder.path().join("chromium-browser");
        fs::write(&program, "").unwrap();
        fs::create_dir(folder.path().join("chromium")).unwrap();
        assert_eq!(find(&NAMES, path), None);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find(&NAMES, path), Some(program));
    }
}
