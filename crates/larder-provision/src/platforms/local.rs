//! Directories on this machine.

use larder::Result;
use larder::binding::LocalKv;
use larder_core::provision::Provisioner;
use larder_sled::{SledOptions, SledProvisioner};

pub(crate) fn provisioner(binding: LocalKv) -> Result<Box<dyn Provisioner>> {
    Ok(Box::new(SledProvisioner::new(binding.data_dir, SledOptions::new())?))
}
