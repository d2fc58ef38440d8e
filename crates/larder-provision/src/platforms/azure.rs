//! Tables of Azure Table Storage.

use larder::Result;
use larder::binding::TableStorage;
use larder_core::provision::Provisioner;
use larder_tables::TablesProvisioner;

use crate::stack::Resource;

pub(crate) async fn provisioner(resource: &Resource, binding: TableStorage) -> Result<Box<dyn Provisioner>> {
    let options = binding.driver_options()?.shards(resource.shards);
    Ok(Box::new(TablesProvisioner::open(options).await?))
}
