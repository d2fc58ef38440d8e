//! Which server is asked, and who may ask it.

use larder_core::{Error, ErrorKind, Result, check_server_url};

use crate::options::{Credentials, FirestoreOptions};

const GOOGLE: &str = "https://firestore.googleapis.com";

/// The variable that points all clients of Firestore to an emulator.
pub(crate) const EMULATOR_HOST: &str = "FIRESTORE_EMULATOR_HOST";

/// A server, and the credentials that it is to see.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    /// Not [`Credentials::Environment`], which is settled here.
    pub(crate) credentials: Credentials,
}

impl Endpoint {
    /// The server that the options name, or `emulator_host`, or Google's.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for what is no URL of a server, or credentials that would be sent in the clear.
    pub(crate) fn of(options: &FirestoreOptions, emulator_host: Option<String>) -> Result<Self> {
        let (url, name) = match (&options.endpoint_url, emulator_host.filter(|host| !host.is_empty())) {
            (Some(url), _) => (url.clone(), "endpointUrl"),
            (None, Some(host)) if host.contains("://") => (host, EMULATOR_HOST),
            (None, Some(host)) => (format!("http://{host}"), EMULATOR_HOST),
            (None, None) => (GOOGLE.to_owned(), "endpointUrl"),
        };
        let url = with_plain_scheme(url.trim_end_matches('/'));
        let host = host(&url).ok_or_else(|| {
            let message = format!(
                "{name} is no URL of a server: it has to begin with http:// or https:// and a host, without user, \
                 path, query or fragment"
            );
            Error::new(ErrorKind::InvalidInput, message)
        })?;
        let is_plain = url.starts_with("http://");
        let credentials = match &options.credentials {
            Credentials::Environment if is_plain => Credentials::Emulator,
            Credentials::Environment => Credentials::ApplicationDefault,
            Credentials::ApplicationDefault | Credentials::File(_) if is_plain && !is_this_machine(host) => {
                let message =
                    format!("credentials would be sent in the clear: {name} has to begin with https://");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
            chosen => chosen.clone(),
        };
        Ok(Self { url, credentials })
    }
}

/// The same URL with its scheme in lower case: a scheme has no case, and what is plain must not be mistaken.
fn with_plain_scheme(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
        None => url.to_owned(),
    }
}

/// The host and port of a server's URL. Nothing may follow it: gRPC's own paths do.
fn host(url: &str) -> Option<&str> {
    check_server_url(url).ok()?;
    let (_, host) = url.split_once("://")?;
    (!host.contains('/')).then_some(host)
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: Option<&str>, credentials: Credentials, emulator: Option<&str>) -> Result<Endpoint> {
        let mut options = FirestoreOptions::new("project", "cache").credentials(credentials);
        options.endpoint_url = url.map(str::to_owned);
        Endpoint::of(&options, emulator.map(str::to_owned))
    }

    #[test]
    fn the_binding_comes_before_the_variable_and_the_variable_before_google() {
        for (url, emulator, found) in [
            (None, None, GOOGLE),
            (None, Some(""), GOOGLE),
            (None, Some("127.0.0.1:8080"), "http://127.0.0.1:8080"),
            (None, Some("http://emulator:8080/"), "http://emulator:8080"),
            (Some("https://private.example"), Some("127.0.0.1:8080"), "https://private.example"),
        ] {
            let endpoint = endpoint(url, Credentials::Environment, emulator).expect(found);
            assert_eq!(endpoint.url, found);
            let is_emulator = matches!(endpoint.credentials, Credentials::Emulator);
            assert_eq!(is_emulator, found.starts_with("http://"), "{found}");
        }
    }

    #[test]
    fn credentials_do_not_leave_the_machine_in_the_clear() {
        let file = || Credentials::File("key.json".into());
        for url in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost", "https://elsewhere"] {
            endpoint(Some(url), file(), None).expect(url);
        }
        for url in ["http://elsewhere:1", "http://127.0.0.1.example", "http://10.0.0.1:8080"] {
            for credentials in [file(), Credentials::ApplicationDefault] {
                let error = endpoint(Some(url), credentials, None).expect_err(url);
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.to_string().contains("in the clear"), "{error}");
            }
        }
    }
}
