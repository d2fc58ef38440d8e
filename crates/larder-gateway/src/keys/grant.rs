//! What a key is good for.

use std::collections::BTreeSet;

use larder::{Error, ErrorKind, Result, check_resource_id};
use serde::{Deserialize, Serialize};

use super::rate::Rate;
use crate::permission::{Permission, Permissions};

/// The most characters of a label.
const MAX_LABEL_CHARS: usize = 64;
/// The most bindings that a key can name: its record must fit into a value.
const MAX_BINDINGS: usize = 100;

/// What a key is good for.
///
/// Unknown fields of a stored grant make it unreadable, and the key refused: one that a later version wrote may narrow
/// what the key may do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub struct Grant {
    /// Who has it, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The part of every binding that it reaches (K5); `None` is all of it.
    pub namespace: Option<String>,
    /// The bindings that it opens.
    pub bindings: GrantedBindings,
    /// What it may do there.
    #[serde(with = "names")]
    pub permissions: Permissions,
    /// How many requests it may make; `None` is as many as it likes.
    pub rate: Option<Rate>,
}

/// The bindings that a key opens, of those that the gateway serves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GrantedBindings {
    /// Every one.
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Grant {
    /// These permissions on the whole of every binding, without a limit.
    pub fn new(permissions: impl IntoIterator<Item = Permission>) -> Self {
        Self {
            label: None,
            namespace: None,
            bindings: GrantedBindings::All,
            permissions: permissions.into_iter().collect(),
            rate: None,
        }
    }

    /// Says who has it: 1 to 64 characters, none of them a control character.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Keeps it in a namespace: a resource id.
    #[must_use]
    pub fn namespace(mut self, id: impl Into<String>) -> Self {
        self.namespace = Some(id.into());
        self
    }

    /// Opens only these bindings: 1 to 100 resource ids.
    #[must_use]
    pub fn bindings(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.bindings = GrantedBindings::Only(ids.into_iter().map(Into::into).collect());
        self
    }

    /// Limits how many requests it may make.
    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Refuses a grant that makes no sense, before it is stored.
    pub(super) fn check(&self) -> Result<()> {
        if let Some(label) = &self.label {
            let chars = label.chars().count();
            if !(1..=MAX_LABEL_CHARS).contains(&chars) || label.chars().any(char::is_control) {
                return Err(invalid(format!(
                    "the label has 1 to {MAX_LABEL_CHARS} characters, none of them a control character; this has {chars}"
                )));
            }
        }
        if let Some(namespace) = &self.namespace {
            check_resource_id(namespace)?;
        }
        if let GrantedBindings::Only(ids) = &self.bindings {
            if !(1..=MAX_BINDINGS).contains(&ids.len()) {
                return Err(invalid(format!(
                    "a key opens 1 to {MAX_BINDINGS} bindings by name; this would open {}: leave them out for all",
                    ids.len()
                )));
            }
            ids.iter().try_for_each(|id| check_resource_id(id))?;
        }
        if self.permissions == Permissions::NONE {
            return Err(invalid("a key needs at least one permission, or it is good for nothing".to_owned()));
        }
        Ok(())
    }
}

/// Permissions by their names.
mod names {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::permission::{Permission, Permissions};

    pub(super) fn serialize<S: Serializer>(set: &Permissions, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(set.iter().map(Permission::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Permissions, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names
            .iter()
            .map(|name| name.parse::<Permission>())
            .collect::<Result<_, _>>()
            .map_err(D::Error::custom)
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant::new([Permission::Read])
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert!(grant().check().is_ok());
        let long = "x".repeat(65);
        let many = (0..101).map(|number| format!("b{number}"));
        let none: [&str; 0] = [];
        for (wrong, why) in [
            (grant().label(""), "label"),
            (grant().label(long), "label"),
            (grant().label("a\nb"), "control"),
            (grant().namespace("a:b"), "resource id"),
            (grant().namespace(""), "resource id"),
            (grant().bindings(["a b"]), "resource id"),
            (grant().bindings(none), "1 to 100"),
            (grant().bindings(many), "1 to 100"),
            (Grant::new([]), "permission"),
        ] {
            let error = wrong.check().expect_err(why);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.message().contains(why), "{error}");
        }
    }

    #[test]
    fn a_stored_grant_is_read_back_and_one_with_more_in_it_is_not() {
        let grant = Grant::new([Permission::Read, Permission::ScriptsRun])
            .label("ci")
            .namespace("tenant")
            .bindings(["cache"])
            .rate("600/m".parse().expect("a rate"));
        let text = serde_json::to_string(&grant).expect("JSON");
        assert_eq!(
            text,
            r#"{"label":"ci","namespace":"tenant","bindings":{"only":["cache"]},"permissions":["read","scripts:run"],"rate":{"requests":600,"per":"minute"}}"#
        );
        assert_eq!(serde_json::from_str::<Grant>(&text).expect("a grant"), grant);
        let narrower = text.replacen('{', r#"{"prefix":"a","#, 1);
        assert!(serde_json::from_str::<Grant>(&narrower).is_err());
    }
}
