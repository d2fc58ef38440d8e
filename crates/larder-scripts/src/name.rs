//! Names of scripts.

use larder_core::{Error, ErrorKind, Result, check_resource_id};

/// Refuses what is no name of a script: `[A-Za-z0-9-_]{1,64}`, as resource ids are (K4).
///
/// ```
/// assert!(larder_scripts::check_script_name("calculate-totals").is_ok());
/// assert!(larder_scripts::check_script_name("../totals").is_err());
/// ```
///
/// # Errors
///
/// `InvalidInput`, with the rule.
pub fn check_script_name(name: &str) -> Result<()> {
    check_resource_id(name).map_err(|_| {
        let rule = "the name of the script is none: it has 1 to 64 characters of A-Z a-z 0-9 - _";
        Error::new(ErrorKind::InvalidInput, rule)
    })
}
