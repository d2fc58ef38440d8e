//! The npm package: installed, built and tested as its own developers do, with the addon and the program of this build.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn the_package_builds_and_passes_its_tests() {
    let build = target();
    let addon = build.join("deps").join(LIBRARY);
    assert!(addon.exists(), "{} was not built", addon.display());
    let program = build.join(format!("larder{}", std::env::consts::EXE_SUFFIX));
    let npm = |arguments: &[&str]| {
        let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
        npm.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        npm.env("LARDER_ADDON", &addon);
        // Built by the tests of larder-cli, which run in the same build; otherwise the package builds it by itself.
        if program.exists() {
            npm.env("LARDER_PROGRAM", &program);
        }
        let output = npm.output().expect("Node.js 20 or later with npm is there");
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "npm {}:\n{said}\n{errors}", arguments.join(" "));
        said.into_owned()
    };
    npm(&["ci", "--no-audit", "--no-fund"]);
    npm(&["run", "build"]);
    let said = npm(&["test"]);
    // A runner that finds no test ends well, too.
    let passed = said.lines().find_map(|line| line.strip_prefix("ℹ pass ")?.trim().parse::<u32>().ok());
    assert!(passed.is_some_and(|passed| passed > 250), "{said}");
}

const LIBRARY: &str = if cfg!(windows) {
    "larder_node.dll"
} else if cfg!(target_os = "macos") {
    "liblarder_node.dylib"
} else {
    "liblarder_node.so"
};

/// The folder of this build: the test is in `deps` below it.
fn target() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows where it is");
    test.parent().and_then(Path::parent).expect("it is below the build").to_owned()
}
