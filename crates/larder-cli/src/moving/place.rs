//! Where a store is, as text: the same for the same store, and without secrets.

use std::fmt::Write;
use std::path::Path;

use larder::Binding;

/// A store, and the part of it that a binding reaches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    store: String,
    /// The namespace of a binding that has one.
    namespace: String,
}

impl Place {
    pub(crate) fn of(binding: &Binding) -> Self {
        let (store, namespace) = match binding {
            Binding::DynamoDb(table) => {
                (with_endpoint(format!("{}/{}", table.region, table.table_name), &table.endpoint_url), "")
            }
            Binding::Firestore(at) => {
                let name = format!("{}/{}/{}", at.project_id, at.database_id, at.collection_name);
                (with_endpoint(name, &at.endpoint_url), "")
            }
            Binding::TableStorage(table) => {
                let name = format!("{}/{}", table.account_name, table.table_name);
                (with_endpoint(name, &table.endpoint_url), "")
            }
            Binding::LocalKv(local) => {
                (directory(&local.data_dir), local.key_prefix.as_deref().unwrap_or(""))
            }
            Binding::Gateway(gateway) => (format!("{}/{}", gateway.url, gateway.binding), ""),
            // A service that is added later is known by its name until it has its own line here.
            _ => (String::new(), ""),
        };
        Self { store: format!("{}://{store}", binding.service()), namespace: namespace.to_owned() }
    }

    /// Whether one of them reaches what the other does: a copy would read what it writes.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        // Namespaces are K5 ids, none of which lies in another; the empty one holds them all.
        self.store == other.store
            && (self.namespace == other.namespace || self.namespace.is_empty() || other.namespace.is_empty())
    }

    /// One text for all of it.
    pub(crate) fn text(&self) -> String {
        let mut text = self.store.clone();
        if !self.namespace.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(text, "?keyPrefix={}", self.namespace);
        }
        text
    }
}

fn with_endpoint(name: String, endpoint: &Option<String>) -> String {
    match endpoint {
        Some(url) => format!("{name}?endpointUrl={}", url.trim_end_matches('/')),
        None => name,
    }
}

/// The directory itself, however it was named; as it was named while it is not there.
fn directory(dir: &Path) -> String {
    let real = dir.canonicalize().or_else(|_| std::path::absolute(dir));
    real.as_deref().unwrap_or(dir).display().to_string()
}

#[cfg(test)]
mod tests {
    use larder::Bindings;

    use super::*;

    fn place(binding: &str) -> Place {
        Place::of(&Bindings::from_map([("x", binding)]).binding("x").expect("a binding"))
    }

    #[test]
    fn a_place_holds_no_secret() {
        let text = place(
            r#"{"service":"dynamodb","tableName":"cache","region":"eu-central-1",
                "accessKeyId":"AKIASECRET","secretAccessKey":"hidden"}"#,
        )
        .text();
        assert_eq!(text, "dynamodb://eu-central-1/cache");
    }

    #[test]
    fn namespaces_of_one_store_overlap_only_when_one_holds_the_other() {
        let [all, a, b] = ["local-kv:x", "local-kv:x?keyPrefix=a", "local-kv:./x?keyPrefix=b"].map(place);
        assert!(all.overlaps(&a) && b.overlaps(&all) && a.overlaps(&a));
        assert!(!a.overlaps(&b));
        assert!(!all.overlaps(&place("local-kv:y")));
    }
}
