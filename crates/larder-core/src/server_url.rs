//! Addresses of servers, as bindings and drivers' options give them.

use std::net::Ipv6Addr;

/// Refuses what is no address of a server: `http://host`, `http://host:port` or `https://host/path`.
///
/// User names, passwords, queries and fragments are refused, so that an address can be shown in errors and logs.
///
/// ```
/// use larder_core::check_server_url;
///
/// assert!(check_server_url("http://[::1]:8000").is_ok());
/// assert!(check_server_url("https://user:secret@host").is_err());
/// assert!(check_server_url("localhost:8000").is_err());
/// ```
///
/// # Errors
///
/// The rule that is broken, to go behind the name of a field: "must be ...". It does not quote the address.
pub fn check_server_url(url: &str) -> Result<(), &'static str> {
    let rest = strip_scheme(url).ok_or("must be a URL that begins with http:// or https://")?;
    if rest.contains(['@', '?', '#']) {
        return Err(
            "must be a URL without user name, password, query or fragment: credentials have fields of their own",
        );
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if !is_authority(authority) || rest.contains(char::is_whitespace) {
        return Err("must be a URL as http://host, http://host:port or https://host/path");
    }
    Ok(())
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
        host.parse::<Ipv6Addr>().is_ok()
    } else {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    host_fits && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}
