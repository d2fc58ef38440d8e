//! The parts of Larder's own records that belong to scripts.

use larder_core::{Kv, Result};

/// The part with this name: that of callers without a namespace, or what is a tenant's of another, which it shares with the
/// other tenants and with nobody else.
pub(crate) fn part(kv: &Kv, namespace: Option<&str>, name: &str) -> Result<Kv> {
    match namespace {
        None => kv.system(name),
        Some(namespace) => kv.system(&format!("tenant-{name}"))?.with_prefix(namespace),
    }
}
