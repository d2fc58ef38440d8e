//! Rules that several services' fields share.

use larder_core::check_server_url;

use super::Fields;
use crate::fault::Fault;

/// Refuses a value whose characters or length do not fit. `rule` says which do.
pub(super) fn name(
    field: &str,
    value: String,
    rule: &str,
    fits: impl FnOnce(&str) -> bool,
) -> Result<String, Fault> {
    if fits(&value) { Ok(value) } else { Err(Fault::new(format!("{field} must be {rule}"))) }
}

/// The server to use in place of the platform's own.
pub(super) fn endpoint(fields: &mut Fields) -> Result<Option<String>, Fault> {
    fields.optional("endpointUrl").map(|url| http_url("endpointUrl", url)).transpose()
}

/// Refuses what is no address of a server: `http://host:port/path` or https, and nothing that could be a credential.
pub(super) fn http_url(field: &str, value: String) -> Result<String, Fault> {
    match check_server_url(&value) {
        Ok(()) => Ok(value),
        Err(rule) => Err(Fault::new(format!("{field} {rule}"))),
    }
}
