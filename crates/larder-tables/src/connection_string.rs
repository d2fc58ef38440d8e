//! Connection strings, as the portal shows them.

use larder_core::{Error, ErrorKind, Result};

use crate::credentials::Credentials;

/// The account that every emulator has, and its key, which is no secret.
const EMULATOR_ACCOUNT: &str = azure_storage::EMULATOR_ACCOUNT;
const EMULATOR_KEY: &str = azure_storage::EMULATOR_ACCOUNT_KEY;
const EMULATOR_URL: &str = "http://127.0.0.1:10002/devstoreaccount1";

/// What a connection string says about tables.
#[derive(Debug)]
pub(crate) struct ConnectionString {
    pub(crate) account: String,
    pub(crate) endpoint_url: Option<String>,
    pub(crate) credentials: Credentials,
}

impl ConnectionString {
    /// Reads a connection string. Errors name fields and never quote the text, which is a credential.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut account = None;
        let mut key = None;
        let mut sas = None;
        let mut endpoint = None;
        let mut suffix = None;
        let mut protocol = None;
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| wrong("a part of it has no ="))?;
            let field = match name.trim().to_ascii_lowercase().as_str() {
                "accountname" => &mut account,
                "accountkey" => &mut key,
                "sharedaccesssignature" => &mut sas,
                "tableendpoint" => &mut endpoint,
                "endpointsuffix" => &mut suffix,
                "defaultendpointsprotocol" => &mut protocol,
                "usedevelopmentstorage" if value.trim().eq_ignore_ascii_case("true") => {
                    return Ok(Self::emulator());
                }
                // Of the other services, or of one that is not known here.
                _ => continue,
            };
            let value = value.trim();
            if !value.is_empty() {
                *field = Some(value.to_owned());
            }
        }
        let credentials = match (key, sas) {
            (Some(key), None) => Credentials::AccountKey(key),
            (None, Some(sas)) => Credentials::Sas(sas),
            (None, None) => return Err(wrong("it has neither AccountKey nor SharedAccessSignature")),
            (Some(_), Some(_)) => return Err(wrong("it has both AccountKey and SharedAccessSignature")),
        };
        let account = account
            .or_else(|| endpoint.as_deref().and_then(account_of))
            .ok_or_else(|| wrong("AccountName is missing"))?;
        let endpoint_url = endpoint.or_else(|| {
            let protocol = protocol.as_deref().unwrap_or("https");
            suffix.map(|suffix| format!("{protocol}://{account}.table.{suffix}"))
        });
        Ok(Self { account, endpoint_url, credentials })
    }

    fn emulator() -> Self {
        Self {
            account: EMULATOR_ACCOUNT.to_owned(),
            endpoint_url: Some(EMULATOR_URL.to_owned()),
            credentials: Credentials::AccountKey(EMULATOR_KEY.to_owned()),
        }
    }
}

/// The account that a host `<account>.table.<suffix>` belongs to: a SAS needs no `AccountName`.
fn account_of(endpoint: &str) -> Option<String> {
    let host = endpoint.split_once("://")?.1;
    let host = &host[..host.find(['/', ':', '?']).unwrap_or(host.len())];
    host.split_once(".table.").map(|(account, _)| account.to_owned())
}

fn wrong(reason: &str) -> Error {
    let message = format!(
        "the connection string cannot be used: {reason}; it has to be as the portal shows it, \
         AccountName=...;AccountKey=...;EndpointSuffix=core.windows.net"
    );
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portals_forms_are_read() {
        let key =
            "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=aa==;EndpointSuffix=core.windows.net";
        let parsed = ConnectionString::parse(key).expect("a key");
        assert_eq!(parsed.account, "acme");
        assert_eq!(parsed.endpoint_url.as_deref(), Some("https://acme.table.core.windows.net"));
        assert!(matches!(parsed.credentials, Credentials::AccountKey(key) if key == "aa=="));

        let sas = "BlobEndpoint=https://acme.blob.core.windows.net/;TableEndpoint=https://acme.table.core.windows.net/;\
                   SharedAccessSignature=sv=2022-11-02&sig=a%3D;";
        let parsed = ConnectionString::parse(sas).expect("a signature");
        assert_eq!(parsed.account, "acme");
        assert!(matches!(parsed.credentials, Credentials::Sas(sas) if sas == "sv=2022-11-02&sig=a%3D"));

        let emulator = ConnectionString::parse("UseDevelopmentStorage=true").expect("the emulator");
        assert_eq!(emulator.endpoint_url.as_deref(), Some(EMULATOR_URL));
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_being_quoted() {
        for (text, reason) in [
            ("hunter2", "no ="),
            ("", "neither"),
            ("AccountKey=hunter2", "AccountName"),
            ("AccountName=acme", "neither"),
            ("AccountName=acme;AccountKey=hunter2;SharedAccessSignature=sig=hunter2", "both"),
        ] {
            let error = ConnectionString::parse(text).expect_err(reason);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(reason), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
