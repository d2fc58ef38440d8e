//! Whom a gateway lets in.

use std::sync::Arc;

use larder::Context;
use larder_gateway::{Access, Keyring, LoopbackGuard, Stores};

use super::settings::{Auth, Settings};
use crate::failure::{Failure, Outcome};

/// Decides whom the gateway lets in. Where nobody said so, a store in which there ever was a key asks for keys.
pub(super) async fn decide(settings: &Settings, context: &Context, stores: &Stores) -> Outcome<Access> {
    let binding = match &settings.keys_in {
        Some(id) => {
            // Now, and not at the first request.
            context.bindings().binding(id)?;
            id.as_str()
        }
        None => stores.primary(),
    };
    let keys = || Arc::new(Keyring::bound(context.clone(), binding));
    match settings.auth() {
        Auth::Keys => Ok(Access::Keys(keys())),
        Auth::Loopback => Ok(Access::Loopback(LoopbackGuard::new())),
        Auth::Auto if settings.is_open() || settings.keys_in.is_some() => Ok(Access::Keys(keys())),
        Auth::Auto => {
            let keys = keys();
            let is_unused = keys.is_unused().await.map_err(|error| {
                Failure::Other(format!(
                    "whether there ever were API keys cannot be found out: {error}; say --auth keys or --auth loopback to start \
                     without that"
                ))
            })?;
            Ok(if is_unused { Access::Loopback(LoopbackGuard::new()) } else { Access::Keys(keys) })
        }
    }
}
