//! Where a store is, as text: the same for the same store, and without secrets.

use std::fmt::Write;
use std::path::Path;

use larder::Binding;
use larder::binding::DynamoDb;
use twox_hash::XxHash64;

/// A store, and the part of it that a binding reaches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    store: String,
    /// The namespace of a binding that has one.
    namespace: String,
}

impl Place {
    pub(crate) fn of(binding: &Binding) -> Self {
        Self::seen_from(binding, |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn seen_from(binding: &Binding, variable: impl Fn(&str) -> Option<String>) -> Self {
        let (store, namespace) = match binding {
            Binding::DynamoDb(table) => {
                let name = format!("{}/{}{}", table.region, table.table_name, account(table, variable));
                (with_endpoint(name, &table.endpoint_url), "")
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

/// What tells the account of a table: a table's name is one in its account alone.
///
/// Only the service knows the account itself. Without keys or a profile in the binding it is what the environment says; on
/// a machine that has a role of its own, nothing is said, and that role is the same for both sides of a copy.
fn account(table: &DynamoDb, variable: impl Fn(&str) -> Option<String>) -> String {
    if let Some(credentials) = &table.credentials {
        return format!("@key-{}", shortened(credentials.access_key_id.expose()));
    }
    if let Some(profile) = &table.profile {
        return format!("@profile-{profile}");
    }
    if variable("AWS_SESSION_TOKEN").is_none()
        && let Some(id) = variable("AWS_ACCESS_KEY_ID")
    {
        return format!("@key-{}", shortened(&id));
    }
    // Keys that are temporary are others when a copy goes on.
    match (variable("AWS_ROLE_ARN"), variable("AWS_PROFILE")) {
        (Some(role), _) => format!("@role-{role}"),
        (None, Some(profile)) => format!("@profile-{profile}"),
        (None, None) => String::new(),
    }
}

/// The same for the same key, and nothing of it: what a place is made of is shown, and written to a file.
fn shortened(id: &str) -> String {
    format!("{:016x}", XxHash64::oneshot(0, id.as_bytes()))
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
        place_from(binding, &[])
    }

    fn place_from(binding: &str, variables: &[(&str, &str)]) -> Place {
        let binding = Bindings::from_map([("x", binding)]).binding("x").expect("a binding");
        let find = |name: &str| variables.iter().find(|(has, _)| *has == name);
        Place::seen_from(&binding, |name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_place_holds_no_secret() {
        let text = place(
            r#"{"service":"dynamodb","tableName":"cache","region":"eu-central-1",
                "accessKeyId":"AKIASECRET","secretAccessKey":"hidden"}"#,
        )
        .text();
        assert!(text.starts_with("dynamodb://eu-central-1/cache@key-"), "{text}");
        assert!(!text.contains("AKIA") && !text.contains("hidden"), "{text}");
    }

    #[test]
    fn a_table_of_the_same_name_in_another_account_is_another() {
        let keys = |id: &str| {
            format!(
                r#"{{"service":"dynamodb","tableName":"cache","region":"eu-central-1",
                    "accessKeyId":"{id}","secretAccessKey":"hidden"}}"#
            )
        };
        let url = "dynamodb://cache?region=eu-central-1";
        let all = [
            place(&keys("AKIAONE")),
            place(&keys("AKIATWO")),
            place(&format!("{url}&profile=one")),
            place(&format!("{url}&profile=two")),
            place(url),
            place_from(url, &[("AWS_ACCESS_KEY_ID", "AKIATHREE")]),
            place_from(url, &[("AWS_ROLE_ARN", "arn:aws:iam::1:role/one")]),
            place_from(url, &[("AWS_PROFILE", "three"), ("AWS_REGION", "x")]),
        ];
        for (at, one) in all.iter().enumerate() {
            for (beside, other) in all.iter().enumerate() {
                assert_eq!(one.overlaps(other), at == beside, "{one:?} {other:?}");
            }
        }
        // By the environment or by the binding, a key is the same.
        assert_eq!(place(&keys("AKIAONE")), place_from(url, &[("AWS_ACCESS_KEY_ID", "AKIAONE")]));
        // What is good for an hour does not keep a copy from going on after it.
        let temporary = |id| place_from(url, &[("AWS_ACCESS_KEY_ID", id), ("AWS_SESSION_TOKEN", "t")]);
        assert_eq!(temporary("ASIAONE"), temporary("ASIATWO"));
    }

    #[test]
    fn namespaces_of_one_store_overlap_only_when_one_holds_the_other() {
        let [all, a, b] = ["local-kv:x", "local-kv:x?keyPrefix=a", "local-kv:./x?keyPrefix=b"].map(place);
        assert!(all.overlaps(&a) && b.overlaps(&all) && a.overlaps(&a));
        assert!(!a.overlaps(&b));
        assert!(!all.overlaps(&place("local-kv:y")));
    }
}
