//! What there is to be, in no language: the one place that says what infrastructure code makes.

use larder::{Binding, Bindings, Error, ErrorKind, Result};
use serde_json::Value;

use crate::names::store_name;
use crate::platform::Platform;
use crate::stack::{Protection, Resource, Stack};
use crate::target::Target;

/// The stores of a stack on a cloud.
pub(super) enum Description {
    Aws(Vec<AwsTable>),
    Gcp(GcpDatabase),
    Azure(AzureAccount),
}

/// A table of DynamoDB, as `docs/layouts.md` has it.
pub(super) struct AwsTable {
    pub(super) store: StoreDescription,
    pub(super) partition_key: &'static str,
    pub(super) sort_key: &'static str,
    pub(super) ttl_attribute: &'static str,
    /// `None` leaves it to whoever runs the code, who may have switched it by hand.
    pub(super) is_protected: Option<bool>,
    pub(super) tags: Vec<(&'static str, String)>,
    /// What a service may do, on this table alone.
    pub(super) actions: &'static [&'static str],
}

/// A database of Firestore, and its collections.
pub(super) struct GcpDatabase {
    pub(super) project: String,
    pub(super) database: String,
    /// Where it is made, if it is.
    pub(super) location: Option<String>,
    pub(super) collections: Vec<StoreDescription>,
    /// The fields without single-field indexes.
    pub(super) exempt_fields: &'static [&'static str],
    pub(super) ttl_field: &'static str,
    pub(super) role: &'static str,
}

/// A storage account of Azure, and its tables.
pub(super) struct AzureAccount {
    pub(super) account: String,
    pub(super) resource_group: Option<String>,
    pub(super) tables: Vec<StoreDescription>,
    /// The built-in role of a service, by its name and its id.
    pub(super) role: (&'static str, &'static str),
}

/// What every store has.
pub(super) struct StoreDescription {
    pub(super) id: String,
    /// Its name on the platform.
    pub(super) name: String,
    /// Its name in the code: letters, digits and underscores.
    pub(super) symbol: String,
    /// The shards that were asked for, if they are not those that the first use writes.
    pub(super) other_shards: Option<u16>,
    pub(super) binding: Value,
}

/// The tags of a table.
pub(crate) fn tags(id: &str) -> Vec<(&'static str, String)> {
    vec![("larder:id", id.to_owned()), ("managed-by", "larder".to_owned())]
}

/// What the driver sends. `Scan` is for whoever uses a new table first: it is looked into once. `DescribeTimeToLive` is for
/// `larder check`.
const ACTIONS: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
];

impl Description {
    pub(super) fn of(stack: &Stack, target: &Target) -> Result<Self> {
        let mut target = target.clone();
        if let Target::Azure(target) = &mut target {
            // The role is for an identity, which needs no key.
            target.account_key_variable = None;
        }
        let has_shards = matches!(target.platform(), Platform::Aws | Platform::Azure);
        let mut stores = Vec::new();
        for resource in stack.resources() {
            stores.push(StoreDescription {
                id: resource.id.clone(),
                name: store_name(target.platform(), &resource.id),
                symbol: format!("kv_{}", store_name(Platform::Aws, &resource.id).replace('-', "_")),
                other_shards: (has_shards && resource.shards != 16).then_some(resource.shards),
                binding: checked(&target, resource)?,
            });
        }
        Ok(match target {
            Target::Aws(_) => {
                let tables = stores.into_iter().zip(stack.resources());
                Self::Aws(tables.map(|(store, resource)| table(store, resource)).collect())
            }
            Target::Gcp(target) => Self::Gcp(GcpDatabase {
                project: target.project,
                database: target.database.unwrap_or_else(|| "(default)".to_owned()),
                location: target.location,
                collections: stores,
                exempt_fields: &["v", "exp", "w", "h"],
                ttl_field: "exp",
                role: "roles/datastore.user",
            }),
            Target::Azure(target) => Self::Azure(AzureAccount {
                account: target.account,
                resource_group: target.resource_group,
                tables: stores,
                role: ("Storage Table Data Contributor", "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"),
            }),
            Target::Local(_) => {
                let message = "there is no infrastructure code for local stores: `up` makes them";
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        })
    }
}

fn table(store: StoreDescription, resource: &Resource) -> AwsTable {
    AwsTable {
        tags: tags(&store.id),
        store,
        partition_key: "pk",
        sort_key: "sk",
        ttl_attribute: "ttl",
        is_protected: match resource.protection {
            Protection::AsIs => None,
            Protection::On => Some(true),
            Protection::Off => Some(false),
        },
        actions: ACTIONS,
    }
}

/// The binding, read as services read it, so that no name of the target breaks out of the code.
fn checked(target: &Target, resource: &Resource) -> Result<Value> {
    let binding = target.binding(&resource.id)?;
    let bindings = Bindings::from_map([(resource.id.as_str(), binding.to_string())]);
    let _: Binding = bindings.binding(&resource.id)?;
    Ok(binding)
}

impl StoreDescription {
    /// What has to be done beside running the code, if anything.
    pub(super) fn note(&self) -> Option<String> {
        let shards = self.other_shards?;
        let plural = if shards == 1 { "" } else { "s" };
        Some(format!(
            "{} is to have {shards} shard{plural}: run `larder up` once it is made and before it is used, or the first use \
             writes 16",
            self.id
        ))
    }
}
