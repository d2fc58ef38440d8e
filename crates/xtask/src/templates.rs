//! Holds the infrastructure code that `larder template` prints to tools that know its languages.
//!
//! They read the snapshots, and a test of `larder-provision` holds those to what is printed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::emulators::{Cache, packages_of_python};
use crate::{Outcome, root, say};

/// Exact, so that the same code is judged the same everywhere.
const PACKAGES: [&str; 3] = ["cfn-lint==1.58.0", "python-hcl2==8.1.4", "pycep-parser==0.7.1"];
/// Changes with the packages.
const FOLDER: &str = "templates-cfn-lint-1.58.0";

/// The resource types and their properties, as AWS publishes them, in a region that has them all.
const CFN_LINT: &str = "import sys; from cfnlint.runner import main; sys.exit(main())";
const PARSE_HCL: &str = "import sys, hcl2\nfor path in sys.argv[1:]: hcl2.load(open(path))";
const PARSE_BICEP: &str = "import sys, pathlib, pycep\nfor path in sys.argv[1:]: pycep.BicepParser().parse(file_path=pathlib.Path(path))";

pub(crate) fn lint() -> Outcome {
    let tools = Cache::open()?.install(FOLDER, |partial| {
        say(&format!("installing {}", PACKAGES.join(", ")));
        packages_of_python(partial, &PACKAGES)
            .map_err(|what| format!("cfn-lint could not be installed: {what}"))
    })?;
    // Their scripts do not work: they name the folder before it was renamed.
    let python = tools.join("bin/python");
    judge(&python, &["-c", CFN_LINT, "--regions", "eu-central-1", "--", "aws.json"])?;
    judge(&python, &["-c", PARSE_HCL, "aws.tf", "gcp.tf", "azure.tf"])?;
    judge(&python, &["-c", PARSE_BICEP, "azure.bicep"])?;
    terraform()
}

/// Terraform comes from no registry of packages: who has it gets its layout checked.
fn terraform() -> Outcome {
    let is_installed =
        Command::new("terraform").arg("version").output().is_ok_and(|out| out.status.success());
    if is_installed {
        return judge(Path::new("terraform"), &["fmt", "-check", "-diff"]);
    }
    println!("xtask: terraform is not installed, so the layout of its code was not checked");
    Ok(())
}

fn judge(program: &Path, arguments: &[&str]) -> Outcome {
    let shown = format!("{} {}", program.display(), arguments.join(" "));
    println!("$ {shown}");
    let status = Command::new(program)
        .args(arguments)
        .current_dir(snapshots())
        .status()
        .map_err(|error| format!("{} could not be started: {error}", program.display()))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` found something wrong")) }
}

fn snapshots() -> PathBuf {
    root().join("crates/larder-provision/tests/snapshots")
}
