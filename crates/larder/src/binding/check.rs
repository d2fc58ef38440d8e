//! Rules that several services' fields share.

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
    let rest = strip_scheme(&value)
        .ok_or_else(|| Fault::new(format!("{field} must be a URL that begins with http:// or https://")))?;
    if rest.contains(['@', '?', '#']) {
        return Err(Fault::new(format!(
            "{field} must be a URL without user name, password, query or fragment: credentials have fields of their own"
        )));
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if !is_authority(authority) || rest.contains(char::is_whitespace) {
        return Err(Fault::new(format!(
            "{field} must be a URL as http://host, http://host:port or https://host/path"
        )));
    }
    Ok(value)
}

fn strip_scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)
}

fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or("no port"))),
            None => return false,
        },
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let host_fits = if authority.starts_with('[') {
        host.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    host_fits && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}
