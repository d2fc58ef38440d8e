//! `gateway`: a binding of a Larder gateway.

use larder_core::check_resource_id;

use super::{Binding, Fields, check};
use crate::Secret;
use crate::fault::Fault;

pub(crate) const NAME: &str = "gateway";
pub(crate) const FIELDS: &[&str] = &["url", "apiKey", "binding"];

/// A binding of a Larder gateway.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Gateway {
    /// Where the gateway is.
    pub url: String,
    /// The key that lets a request in.
    pub api_key: Secret,
    /// The id that the binding has there.
    pub binding: String,
}

pub(crate) fn read(mut fields: Fields) -> Result<Binding, Fault> {
    let url = check::http_url("url", fields.required("url")?)?;
    let api_key = check::name(
        "apiKey",
        fields.required("apiKey")?,
        "of visible ASCII characters: it is sent in a header",
        |key| key.bytes().all(|byte| byte.is_ascii_graphic()),
    )?;
    let binding = check::name(
        "binding",
        fields.required("binding")?,
        "a resource id: 1 to 64 characters of A-Z a-z 0-9 - _",
        |id| check_resource_id(id).is_ok(),
    )?;
    Ok(Binding::Gateway(Gateway { url, api_key: Secret::new(api_key), binding }))
}
