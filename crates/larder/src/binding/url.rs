//! The URL form of a binding: `scheme://place?field=value`.
//!
//! Split by hand: a binding's "host" is a table or a project, whose case and characters a URL library would change.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{Binding, Fields};
use crate::fault::{Fault, shown};
use crate::service::{SERVICES, Service};

/// Which part of a URL is which field.
#[derive(Clone, Copy)]
pub(crate) enum UrlForm {
    /// `scheme://first/second`: these fields, in this order.
    Segments(&'static [&'static str]),
    /// `scheme:///directory` or `scheme:directory`: this field.
    Path(&'static str),
    /// `scheme://host:port/first`: the server's URL is the first of these, the others are the segments behind it. It is
    /// reached by TLS unless it is this machine.
    Server(&'static str, &'static [&'static str]),
}

/// What holds a credential in some binding, or in a URL that people paste. Compared without regard to case.
const CREDENTIALS: &[&str] = &[
    "accessKeyId",
    "secretAccessKey",
    "sessionToken",
    "accountKey",
    "sasToken",
    "connectionString",
    "sig",
    "apiKey",
    "password",
    "token",
    "secret",
];

/// Reads a binding's URL. The text itself is never part of a fault: it may hold a secret all the same.
pub(super) fn read_url(text: &str) -> Result<Binding, Fault> {
    let (scheme, rest) = text.split_once(':').unwrap_or_default();
    let service = SERVICES.iter().find(|service| scheme.eq_ignore_ascii_case(service.name()));
    let service = service.ok_or_else(|| unknown_scheme(scheme, rest))?;
    if rest.contains('#') {
        return Err(Fault::new("the URL holds a #; write %23 if it is part of a name"));
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut fields = Fields::new(service.fields);
    match service.url {
        UrlForm::Segments(names) => read_segments(service, names, place, &mut fields)?,
        UrlForm::Path(name) => fields.set(name, path(place)?, "")?,
        UrlForm::Server(url, names) => read_server(service, url, names, place, &mut fields)?,
    }
    read_query(query, &mut fields)?;
    (service.read)(fields)
}

fn unknown_scheme(scheme: &str, rest: &str) -> Fault {
    // Something like `C:\data` or `user:password` is no URL, and not shown.
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && rest.starts_with("//");
    let what = if is_scheme {
        format!("the service {} is unknown", shown(scheme))
    } else {
        "the binding is neither a JSON object nor a URL of a service".to_owned()
    };
    Fault::new(format!("{what}; known are {}", Service::names()))
}

fn read_segments(
    service: &Service,
    names: &'static [&'static str],
    place: &str,
    fields: &mut Fields,
) -> Result<(), Fault> {
    if place.contains('@') {
        return Err(secret_in_url("what stands before an @"));
    }
    let form = || Fault::new(format!("the URL must have the form {}://{}", service.name(), names.join("/")));
    let segments: Vec<_> = place.strip_prefix("//").ok_or_else(form)?.split('/').collect();
    if segments.len() != names.len() {
        return Err(form());
    }
    for (name, segment) in names.iter().zip(segments) {
        fields.set(name, decoded(segment)?.into_owned(), "")?;
    }
    Ok(())
}

fn read_server(
    service: &Service,
    url: &'static str,
    names: &'static [&'static str],
    place: &str,
    fields: &mut Fields,
) -> Result<(), Fault> {
    if place.contains('@') {
        return Err(secret_in_url("what stands before an @"));
    }
    let form = || {
        Fault::new(format!("the URL must have the form {}://host:port/{}", service.name(), names.join("/")))
    };
    let (authority, rest) =
        place.strip_prefix("//").and_then(|place| place.split_once('/')).ok_or_else(form)?;
    let segments: Vec<_> = rest.split('/').collect();
    if authority.is_empty() || segments.len() != names.len() {
        return Err(form());
    }
    let scheme = if is_this_machine(authority) { "http" } else { "https" };
    fields.set(url, format!("{scheme}://{authority}"), "")?;
    for (name, segment) in names.iter().zip(segments) {
        fields.set(name, decoded(segment)?.into_owned(), "")?;
    }
    Ok(())
}

fn is_this_machine(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The directory of `///absolute`, `/absolute`, `relative`, `//./relative` or `//../relative`.
fn path(place: &str) -> Result<String, Fault> {
    let path = match place.strip_prefix("//") {
        None => place,
        Some(rest) => {
            let authority = rest.split('/').next().unwrap_or_default();
            if authority.contains('@') {
                return Err(secret_in_url("what stands before an @"));
            }
            if !matches!(authority, "" | "." | "..") {
                return Err(Fault::new(
                    "two slashes begin the name of a host, and there is none: \
                     write local-kv:///absolute/dir or local-kv:relative/dir",
                ));
            }
            rest
        }
    };
    decoded(path).map(Cow::into_owned)
}

fn read_query(query: &str, fields: &mut Fields) -> Result<(), Fault> {
    // Checked as a whole first, since the parser below replaces what it cannot decode.
    decoded(query)?;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if CREDENTIALS.iter().any(|credential| credential.eq_ignore_ascii_case(&name)) {
            return Err(secret_in_url(&name));
        }
        let name = fields.known(&name)?;
        fields.set(name, value.into_owned(), "")?;
    }
    Ok(())
}

fn secret_in_url(what: &str) -> Fault {
    Fault::new(format!(
        "a URL takes no secret ({what}), since URLs are logged: give JSON, where it may be {{\"env\":\"VAR\"}}"
    ))
}

fn decoded(text: &str) -> Result<Cow<'_, str>, Fault> {
    let is_escape =
        |after: &str| after.len() >= 2 && after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !text.split('%').skip(1).all(is_escape) {
        return Err(Fault::new("the URL holds a % that two hexadecimal digits do not follow; write %25"));
    }
    percent_decode_str(text).decode_utf8().map_err(|_| Fault::new("the URL holds escapes that are not UTF-8"))
}
