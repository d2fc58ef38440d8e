//! `local-kv`: a directory on this machine, kept by sled.

use std::path::PathBuf;

use larder_core::check_resource_id;

use super::{Binding, Fields};
use crate::fault::Fault;

pub(crate) const NAME: &str = "local-kv";
pub(crate) const FIELDS: &[&str] = &["dataDir", "keyPrefix", "durability"];
/// The field that is the path of the URL form.
pub(crate) const PATH: &str = "dataDir";

/// A directory on this machine, kept by sled. One process at a time can have it open.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LocalKv {
    /// The directory; a relative one is taken from the process's working directory.
    pub data_dir: PathBuf,
    /// The namespace of all keys, without the colon at its end (K5). Bindings that share a directory stay apart by it.
    pub key_prefix: Option<String>,
    /// When a write is acknowledged.
    pub durability: Durability,
}

/// When a write of an embedded store is acknowledged (P5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Durability {
    /// `flush`: once it is on the disk.
    #[default]
    Flush,
    /// `interval`: at once. The last moments before a crash can be lost.
    Interval,
}

impl LocalKv {
    /// A namespace in a directory, which [`Bindings::local`](crate::Bindings::local) makes without any text.
    pub(crate) fn namespace_in(data_dir: PathBuf, id: &str) -> Self {
        Self { data_dir, key_prefix: Some(id.to_owned()), durability: Durability::default() }
    }
}

pub(crate) fn read(mut fields: Fields) -> Result<Binding, Fault> {
    let data_dir = fields.required("dataDir")?.into();
    let key_prefix = fields.optional("keyPrefix").map(key_prefix).transpose()?;
    let durability = match fields.optional("durability").as_deref() {
        None | Some("flush") => Durability::Flush,
        Some("interval") => Durability::Interval,
        Some(_) => return Err(Fault::new(r#"durability must be "flush" or "interval""#)),
    };
    Ok(Binding::LocalKv(LocalKv { data_dir, key_prefix, durability }))
}

fn key_prefix(prefix: String) -> Result<String, Fault> {
    let id = prefix.strip_suffix(':').unwrap_or(&prefix);
    match check_resource_id(id) {
        Ok(()) => Ok(id.to_owned()),
        Err(_) => Err(Fault::new(
            "keyPrefix must be a resource id (1 to 64 characters of A-Z a-z 0-9 - _); a colon may follow it",
        )),
    }
}
