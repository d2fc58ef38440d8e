//! Where the requests go, checked before anything is sent.

use std::net::IpAddr;

use larder_core::{Error, ErrorKind, Result, check_resource_id, check_server_url};
use reqwest::Url;
use reqwest::header::HeaderValue;

use crate::options::{PlainHttp, RemoteOptions};

fn invalid(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, reason)
}

/// The URL of the binding's attempts, which the methods' names are put behind.
pub(crate) fn attempts_url(options: &RemoteOptions) -> Result<Url> {
    check_server_url(&options.url).map_err(|rule| invalid(format!("url {rule}")))?;
    // It becomes part of a path.
    check_resource_id(&options.binding)?;
    let text = format!("{}/v1/attempt/{}/", options.url.trim_end_matches('/'), options.binding);
    let url = Url::parse(&text)
        .map_err(|_| invalid("url must be a URL as http://host:port or https://host/path"))?;
    if url.scheme() == "https" || options.plain_http == PlainHttp::Anywhere || is_loopback(&url) {
        return Ok(url);
    }
    Err(invalid(
        "url has to begin with https://: the key and the values would be sent in the clear. If the network may see them, \
         say that plain HTTP is allowed anywhere",
    ))
}

/// The header that lets the requests in. What it holds is not shown, in no error and no log.
pub(crate) fn authorization(options: &RemoteOptions) -> Result<Option<HeaderValue>> {
    let Some(key) = &options.api_key else { return Ok(None) };
    let key = key.expose();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("apiKey must be of visible ASCII characters: it is sent in a header"));
    }
    let mut header = HeaderValue::try_from(format!("Bearer {key}"))
        .map_err(|_| invalid("apiKey cannot be sent in a header"))?;
    header.set_sensitive(true);
    Ok(Some(header))
}

/// Whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let address = || url.host_str()?.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    url.host_str() == Some("localhost") || address().is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_routes_are_behind_the_path_of_the_gateway() {
        for (url, routes) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/attempt/cache/"),
            ("https://example.com/larder/", "https://example.com/larder/v1/attempt/cache/"),
            ("http://localhost", "http://localhost/v1/attempt/cache/"),
            ("http://[::1]:1", "http://[::1]:1/v1/attempt/cache/"),
        ] {
            assert_eq!(attempts_url(&RemoteOptions::new(url, "cache")).expect("it is one").as_str(), routes);
        }
    }

    #[test]
    fn nothing_goes_over_a_network_in_the_clear_unless_told() {
        for url in ["http://example.com", "http://10.0.0.1:8080", "http://localhost.example.com"] {
            let options = RemoteOptions::new(url, "cache");
            let error = attempts_url(&options).expect_err("in the clear");
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("https://"), "{error}");
            assert!(attempts_url(&options.plain_http(PlainHttp::Anywhere)).is_ok());
        }
    }

    #[test]
    fn what_cannot_be_right_is_refused_by_name() {
        for (url, binding, word) in [
            ("ftp://host", "cache", "url"),
            ("https://user:hunter2@host", "cache", "url"),
            ("https://host?apiKey=hunter2", "cache", "url"),
            ("https://host", "a/b", "resource id"),
            ("https://host", "", "resource id"),
        ] {
            let error = attempts_url(&RemoteOptions::new(url, binding)).expect_err("it cannot be right");
            assert!(error.to_string().contains(word), "{url} {binding}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
        for key in ["", "hunter2 hunter2", "hunter2\r\nx: y", "hünter2"] {
            let options = RemoteOptions::new("https://host", "cache").api_key(key);
            let error = authorization(&options).expect_err("no header");
            assert!(error.to_string().contains("apiKey") && !error.to_string().contains("nter2"), "{error}");
        }
    }

    #[test]
    fn the_key_is_shown_nowhere() {
        let options = RemoteOptions::new("https://host", "cache").api_key("hunter2");
        let header = authorization(&options).expect("a header").expect("a key");
        assert_eq!(header, "Bearer hunter2");
        assert!(!format!("{header:?} {options:?} {options:#?}").contains("hunter2"));
    }
}
