//! What a binding says: one type for each service, read from JSON or a URL.

mod check;
pub(crate) mod dynamodb;
mod fields;
pub(crate) mod firestore;
pub(crate) mod gateway;
pub(crate) mod local_kv;
mod reading;
pub(crate) mod tablestorage;
mod url;

pub use self::dynamodb::{AwsCredentials, DynamoDb};
pub use self::firestore::Firestore;
pub use self::gateway::{Gateway, PlainHttp};
pub use self::local_kv::{Durability, LocalKv};
pub use self::tablestorage::{TableCredential, TableStorage};

pub(crate) use self::fields::Fields;
pub(crate) use self::reading::{References, read};
pub(crate) use self::url::UrlForm;

/// A binding that was found and checked: where a store is, and how to get in.
///
/// `Debug` shows no credential. The types can only be had by reading a binding, so what they hold has been checked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Binding {
    /// `"service":"dynamodb"`: a table of Amazon DynamoDB.
    DynamoDb(DynamoDb),
    /// `"service":"firestore"`: a collection of Google Cloud Firestore.
    Firestore(Firestore),
    /// `"service":"tablestorage"`: a table of Azure Table Storage.
    TableStorage(TableStorage),
    /// `"service":"local-kv"`: a directory on this machine, kept by sled.
    LocalKv(LocalKv),
    /// `"service":"gateway"`: a binding of a Larder gateway.
    Gateway(Gateway),
}

impl Binding {
    /// The service's name, as the binding's `service` has it.
    pub fn service(&self) -> &'static str {
        match self {
            Self::DynamoDb(_) => dynamodb::NAME,
            Self::Firestore(_) => firestore::NAME,
            Self::TableStorage(_) => tablestorage::NAME,
            Self::LocalKv(_) => local_kv::NAME,
            Self::Gateway(_) => gateway::NAME,
        }
    }

    /// The namespace that the binding puts all its keys in (K5).
    pub(crate) fn namespace(&self) -> Option<&str> {
        match self {
            Self::LocalKv(binding) => binding.key_prefix.as_deref(),
            _ => None,
        }
    }
}
