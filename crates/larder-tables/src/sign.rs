//! What lets a request in: put on it last, below everything that could log it (E2).

use std::fmt;

use azure_core_legacy::auth::Secret;
use azure_core_legacy::date::to_rfc1123;
use azure_core_legacy::hmac::hmac_sha256;
use reqwest::Request;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use time::OffsetDateTime;

use crate::error::Failure;
use crate::token::Tokens;

const DATE: HeaderName = HeaderName::from_static("x-ms-date");

/// What a request was signed with.
#[derive(Clone, Copy)]
pub(crate) enum Signed {
    /// A key or a signature: there is no other.
    ForGood,
    /// This one of the tokens there have been.
    WithToken(u64),
}

/// Signs requests.
pub(crate) enum Signer {
    SharedKey {
        account: String,
        key: Secret,
    },
    /// The query of a shared access signature, encoded as it came.
    Sas(String),
    Tokens(Tokens),
}

impl Signer {
    /// Puts on a request what lets it in, and the time, which a key signs too.
    pub(crate) async fn sign(&self, request: &mut Request) -> Result<Signed, Failure> {
        let now = to_rfc1123(&OffsetDateTime::now_utc());
        let date = HeaderValue::try_from(now).map_err(|_| Failure::Unfit("the time is no header"))?;
        request.headers_mut().insert(DATE, date);
        match self {
            Self::SharedKey { account, key } => {
                let text = string_to_sign(request, account);
                let signature =
                    hmac_sha256(&text, key).map_err(|_| Failure::Unfit("the key is no base64"))?;
                let value = format!("SharedKey {account}:{signature}");
                authorize(request.headers_mut(), value)?;
                Ok(Signed::ForGood)
            }
            Self::Sas(signature) => {
                let query = match request.url().query().filter(|query| !query.is_empty()) {
                    Some(query) => format!("{query}&{signature}"),
                    None => signature.clone(),
                };
                request.url_mut().set_query(Some(&query));
                Ok(Signed::ForGood)
            }
            Self::Tokens(tokens) => {
                let token = tokens.token().await.map_err(Failure::Unsigned)?;
                authorize(request.headers_mut(), format!("Bearer {}", token.secret.secret()))?;
                Ok(Signed::WithToken(token.generation))
            }
        }
    }

    /// Notes that what was put on let a request in.
    pub(crate) fn was_accepted(&self, signed: Signed) {
        if let (Self::Tokens(tokens), Signed::WithToken(generation)) = (self, signed) {
            tokens.accepted(generation);
        }
    }

    /// Throws away what was refused; returns whether there is another in its place.
    pub(crate) fn was_refused(&self, signed: Signed) -> bool {
        match (self, signed) {
            (Self::Tokens(tokens), Signed::WithToken(generation)) => tokens.renew(generation),
            _ => false,
        }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SharedKey { .. } => "SharedKey(..)",
            Self::Sas(_) => "Sas(..)",
            Self::Tokens(_) => "Tokens(..)",
        })
    }
}

fn authorize(headers: &mut HeaderMap, value: String) -> Result<(), Failure> {
    let mut value = HeaderValue::try_from(value).map_err(|_| Failure::Unfit("the token is no header"))?;
    // Whatever prints the headers further down leaves it out.
    value.set_sensitive(true);
    headers.insert(AUTHORIZATION, value);
    Ok(())
}

/// What the key of an account signs, of a request to its tables.
fn string_to_sign(request: &Request, account: &str) -> String {
    let header = |name: HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    format!(
        "{}\n{}\n{}\n{}\n/{account}{}",
        request.method(),
        header(HeaderName::from_static("content-md5")),
        header(CONTENT_TYPE),
        header(DATE),
        request.url().path(),
    )
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, Url};

    use super::*;

    fn request(url: &str) -> Request {
        let mut request = Request::new(Method::PUT, Url::parse(url).expect("a URL"));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(DATE, HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT"));
        request
    }

    #[test]
    fn a_key_signs_the_method_the_type_the_time_and_the_path() {
        let request = request("http://127.0.0.1:10002/acme/cache(PartitionKey='00',RowKey='a~2Fb')?$top=1");
        assert_eq!(
            string_to_sign(&request, "acme"),
            "PUT\n\napplication/json\nThu, 01 Jan 2026 00:00:00 GMT\n\
             /acme/acme/cache(PartitionKey='00',RowKey='a~2Fb')"
        );
    }

    #[tokio::test]
    async fn a_signature_joins_the_query_as_it_came() {
        let signer = Signer::Sas("sv=2022-11-02&sig=a%2Bb%3D".into());
        for (url, query) in [
            ("https://acme.table.core.windows.net/cache", "sv=2022-11-02&sig=a%2Bb%3D"),
            ("https://acme.table.core.windows.net/cache?$top=1", "$top=1&sv=2022-11-02&sig=a%2Bb%3D"),
        ] {
            let mut request = request(url);
            signer.sign(&mut request).await.expect("it signs");
            assert_eq!(request.url().query(), Some(query));
            assert!(request.headers().get(AUTHORIZATION).is_none());
        }
    }

    #[tokio::test]
    async fn no_output_shows_what_was_put_on() {
        let key = Secret::new("aHVudGVyMg==");
        let signer = Signer::SharedKey { account: "acme".into(), key };
        let mut request = request("https://acme.table.core.windows.net/cache");
        signer.sign(&mut request).await.expect("it signs");
        let shown = format!("{signer:?} {:?}", request.headers());
        assert!(!shown.contains("SharedKey acme:") && !shown.contains("aHVudGVyMg"), "{shown}");
    }
}
