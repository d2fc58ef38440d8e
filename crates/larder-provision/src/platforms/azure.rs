//! Tables of Azure Table Storage.

use larder::binding::TableStorage;
use larder::{Result, RetryPolicy};
use larder_core::provision::Provisioner;
use larder_tables::TablesProvisioner;

use crate::stack::Resource;

pub(crate) async fn provisioner(
    resource: &Resource,
    binding: TableStorage,
    patience: &RetryPolicy,
) -> Result<Box<dyn Provisioner>> {
    let options = binding.driver_options()?.shards(resource.shards);
    Ok(Box::new(TablesProvisioner::open(options).await?.patience(patience.clone())))
}
