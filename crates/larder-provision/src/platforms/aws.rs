//! Tables of Amazon DynamoDB.

use larder::binding::DynamoDb;
use larder::{Result, RetryPolicy};
use larder_core::provision::Provisioner;
use larder_dynamodb::{DynamoDbProvisioner, TableSpec};

use crate::stack::{Protection, Resource};
use crate::template::tags;

pub(crate) async fn provisioner(
    resource: &Resource,
    binding: DynamoDb,
    patience: &RetryPolicy,
) -> Result<Box<dyn Provisioner>> {
    let mut spec = TableSpec::new().protection(match resource.protection {
        Protection::AsIs => larder_dynamodb::Protection::AsIs,
        Protection::On => larder_dynamodb::Protection::On,
        Protection::Off => larder_dynamodb::Protection::Off,
    });
    for (key, value) in tags(&resource.id) {
        spec = spec.tag(key, value);
    }
    let options = binding.driver_options().shards(resource.shards);
    Ok(Box::new(DynamoDbProvisioner::open(options, spec).await?.patience(patience.clone())))
}
