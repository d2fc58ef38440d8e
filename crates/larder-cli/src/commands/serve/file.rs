//! Settings in a file.

use std::path::Path;

use super::settings::Settings;
use crate::failure::{Failure, Outcome};

/// Reads settings from TOML. What it does not know it refuses, since a misspelt limit is none.
pub(super) fn read(file: &Path) -> Outcome<Settings> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::at(file.display(), &error))?;
    toml::from_str(&text).map_err(|error| Failure::Usage(format!("{}: {}", file.display(), error.message())))
}
