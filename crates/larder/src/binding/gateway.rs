//! `gateway`: a binding of a Larder gateway.

use larder_core::check_resource_id;

use super::{Binding, Fields, check};
use crate::Secret;
use crate::fault::Fault;

pub(crate) const NAME: &str = "gateway";
pub(crate) const FIELDS: &[&str] = &["url", "apiKey", "binding", "plainHttp"];
pub(crate) const SERVER: &str = "url";
pub(crate) const IN_PATH: &[&str] = &["binding"];

/// A binding of a Larder gateway.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Gateway {
    /// Where the gateway is.
    pub url: String,
    /// The key that lets a request in; none for a gateway on this machine that asks for none.
    pub api_key: Option<Secret>,
    /// The id that the binding has there.
    pub binding: String,
    /// Where requests may go without TLS.
    pub plain_http: PlainHttp,
}

/// Where requests may go without TLS, which hold the key and the values in the clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PlainHttp {
    /// `loopback`: to this machine only.
    #[default]
    Loopback,
    /// `anywhere`: the network is trusted, or encrypts by itself.
    Anywhere,
}

pub(crate) fn read(mut fields: Fields) -> Result<Binding, Fault> {
    let url = check::http_url("url", fields.required("url")?)?;
    let api_key = fields.optional("apiKey").map(api_key).transpose()?;
    let binding = check::name(
        "binding",
        fields.required("binding")?,
        "a resource id: 1 to 64 characters of A-Z a-z 0-9 - _",
        |id| check_resource_id(id).is_ok(),
    )?;
    let plain_http = match fields.optional("plainHttp").as_deref() {
        None | Some("loopback") => PlainHttp::Loopback,
        Some("anywhere") => PlainHttp::Anywhere,
        Some(_) => return Err(Fault::new(r#"plainHttp must be "loopback" or "anywhere""#)),
    };
    Ok(Binding::Gateway(Gateway { url, api_key, binding, plain_http }))
}

fn api_key(key: String) -> Result<Secret, Fault> {
    let rule = "of visible ASCII characters: it is sent in a header";
    check::name("apiKey", key, rule, |key| key.bytes().all(|byte| byte.is_ascii_graphic())).map(Secret::new)
}
