//! What a caller says of an account, checked before anything is sent: it becomes parts of URLs and headers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use larder_core::{Error, ErrorKind, Result, check_server_url};
use reqwest::Url;

use crate::credentials::Credentials;
use crate::options::TablesOptions;
use crate::transport::is_loopback;

fn invalid(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, reason)
}

/// Both become parts of URLs.
pub(crate) fn check_names(options: &TablesOptions) -> Result<()> {
    let account = &options.account;
    if !(3..=24).contains(&account.len())
        || !account.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        return Err(invalid("the account's name must have 3 to 24 characters of a-z 0-9"));
    }
    let table = &options.table;
    if !(3..=63).contains(&table.len())
        || !table.bytes().all(|byte| byte.is_ascii_alphanumeric())
        || !table.starts_with(|first: char| first.is_ascii_alphabetic())
    {
        return Err(invalid("the table's name must have 3 to 63 characters of A-Z a-z 0-9, a letter first"));
    }
    Ok(())
}

/// The account's URL. On a host that names no account, an address or a container's name, the account is the first part of
/// the path.
pub(crate) fn base_url(options: &TablesOptions) -> Result<Url> {
    let account = &options.account;
    let text = match &options.endpoint_url {
        Some(url) => url.clone(),
        None => format!("https://{account}.table.core.windows.net"),
    };
    check_server_url(&text).map_err(|rule| invalid(format!("endpointUrl {rule}")))?;
    let url = Url::parse(text.trim_end_matches('/'));
    let mut url =
        url.map_err(|_| invalid("endpointUrl must be a URL as http://host:port or https://host"))?;
    let names_account = url.domain().is_some_and(|domain| domain.contains('.'));
    if !names_account && url.path().trim_matches('/').is_empty() {
        url.set_path(account);
    }
    Ok(url)
}

/// Refuses to send in the clear what lets in whoever reads it; on loopback nobody else does. What the account's key signs
/// is one request, and stays with it.
pub(crate) fn check_privacy(url: &Url, credentials: &Credentials) -> Result<()> {
    let what = match credentials {
        Credentials::AccountKey(_) => return Ok(()),
        Credentials::Sas(_) => "the shared access signature",
        _ => "a token",
    };
    if url.scheme() == "https" || is_loopback(url) {
        return Ok(());
    }
    Err(invalid(format!("endpointUrl has to begin with https://: {what} would be sent in the clear")))
}

/// The account's key, which nothing could be signed with if it were no base64.
pub(crate) fn checked_key(key: String) -> Result<String> {
    if STANDARD.decode(&key).is_ok_and(|key| !key.is_empty()) {
        return Ok(key);
    }
    Err(invalid("the account's key must be base64, as the portal shows it"))
}

/// A signature without the mark that the portal shows before it.
pub(crate) fn checked_signature(signature: &str) -> Result<String> {
    let signature = signature.trim().trim_start_matches(['?', '&']);
    let has_sig =
        signature.split('&').any(|pair| pair.strip_prefix("sig=").is_some_and(|sig| !sig.is_empty()));
    let is_query = signature.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if has_sig && is_query {
        return Ok(signature.to_owned());
    }
    Err(invalid("the shared access signature must be the query of a URL, with its sig"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(endpoint: Option<&str>) -> Result<String> {
        let mut options = TablesOptions::new("acme", "cache");
        options.endpoint_url = endpoint.map(str::to_owned);
        base_url(&options).map(|url| url.to_string())
    }

    #[test]
    fn a_host_that_names_no_account_gets_it_as_its_path() {
        for (endpoint, base) in [
            (None, "https://acme.table.core.windows.net/"),
            (Some("https://acme.table.core.chinacloudapi.cn/"), "https://acme.table.core.chinacloudapi.cn/"),
            (Some("http://127.0.0.1:10002"), "http://127.0.0.1:10002/acme"),
            (Some("http://127.0.0.1:10002/"), "http://127.0.0.1:10002/acme"),
            (Some("http://localhost:10002"), "http://localhost:10002/acme"),
            (Some("http://azurite:10002"), "http://azurite:10002/acme"),
            (Some("http://azurite:10002/other"), "http://azurite:10002/other"),
            (Some("http://tables.example:10002"), "http://tables.example:10002/"),
            (Some("http://localhost:10002/other"), "http://localhost:10002/other"),
            (Some("http://127.0.0.1:10002/devstoreaccount1/"), "http://127.0.0.1:10002/devstoreaccount1"),
        ] {
            assert_eq!(url(endpoint).expect("a URL"), base);
        }
    }

    #[test]
    fn what_lets_in_whoever_reads_it_does_not_leave_the_machine_in_the_clear() {
        let check = |url: &str, credentials: &Credentials| {
            check_privacy(&Url::parse(url).expect("a URL"), credentials)
        };
        let machine = Credentials::ManagedIdentity { client_id: None, metadata_url: None };
        let readable = [Credentials::Sas("sig=hunter2".into()), machine];
        let private = ["https://elsewhere", "HTTPS://elsewhere", "http://127.0.0.1:1", "http://[::1]:1"];
        for url in private.into_iter().chain(["http://localhost", "http://LOCALHOST:1"]) {
            readable.iter().for_each(|credentials| check(url, credentials).expect(url));
        }
        for url in ["http://elsewhere:1", "HTTP://elsewhere", "http://127.0.0.1.example", "http://10.0.0.1:1"]
        {
            for credentials in &readable {
                let error = check(url, credentials).expect_err(url);
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.to_string().contains("in the clear"), "{error}");
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
            check(url, &Credentials::AccountKey("a2V5".into())).expect(url);
        }
    }

    #[test]
    fn a_signature_is_a_query_with_a_sig() {
        assert_eq!(checked_signature("?sv=1&sig=a%3D").expect("good"), "sv=1&sig=a%3D");
        for wrong in ["", "sv=1", "sv=1&sig=", "sig=a b", "sig=a#b", "sig=a\nx"] {
            assert!(checked_signature(wrong).is_err(), "{wrong:?}");
        }
    }
}
