//! Opens `local-kv` bindings with `larder-sled`.

use std::sync::Arc;

use larder_core::{Error, ErrorKind, Kv};
use larder_sled::{SledDriver, SledOptions};

use crate::binding::{Binding, Durability};
use crate::service::Opening;
use crate::settings::Settings;

pub(crate) fn open(binding: &Binding, settings: &Settings) -> Opening {
    let binding = binding.clone();
    // The store sweeps by the same clock that its handles judge expiry by.
    let clock = Arc::clone(&settings.clock);
    Box::pin(async move {
        let Binding::LocalKv(binding) = binding else {
            return Err(Error::new(ErrorKind::Internal, "another service's binding came to local-kv"));
        };
        let options = SledOptions::new().durability(durability(binding.durability)).clock(clock);
        let driver = SledDriver::open(&binding.data_dir, options).await?;
        Ok(Kv::builder(driver))
    })
}

fn durability(durability: Durability) -> larder_sled::Durability {
    match durability {
        Durability::Flush => larder_sled::Durability::Flush,
        Durability::Interval => larder_sled::Durability::Interval,
    }
}
