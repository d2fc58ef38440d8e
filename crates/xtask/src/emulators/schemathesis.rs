//! Schemathesis, which tests run against the gateway: no emulator, but installed where they are.

use super::cache::Cache;
use super::install::packages_of_python;
use crate::{Outcome, say};

/// The variable in which tests look for the Python that has it.
pub(super) const VARIABLE: &str = "LARDER_SCHEMATHESIS";

/// The version of the package. Exact, so that the same tests mean the same everywhere.
const VERSION: &str = "4.32.5";

/// The Python that has it, installed if it was not. Its scripts do not work: they name the folder before it was renamed.
pub(super) fn install(cache: &Cache) -> Outcome<String> {
    let folder = cache.install(&format!("schemathesis-{VERSION}"), |partial| {
        say(&format!("installing schemathesis {VERSION}"));
        packages_of_python(partial, &[&format!("schemathesis=={VERSION}")])
            .map_err(|what| format!("schemathesis {VERSION} could not be installed: {what}"))
    })?;
    Ok(folder.join("bin/python").display().to_string())
}
