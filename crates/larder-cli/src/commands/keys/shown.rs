//! A key as lists show it.

use std::time::SystemTime;

use humantime::format_rfc3339_seconds;
use larder_gateway::{GrantedBindings, ListedKey};
use serde::Serialize;

use crate::output::escaped;

/// A key as lists show it. What it does not limit is `null` in JSON, and `*` in a table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShownKey {
    id: String,
    label: Option<String>,
    namespace: Option<String>,
    bindings: Option<Vec<String>>,
    permissions: Vec<&'static str>,
    rate: Option<String>,
    created_at: String,
    expires_at: Option<String>,
}

impl ShownKey {
    pub(super) fn of(key: &ListedKey) -> Self {
        let at = |moment: SystemTime| format_rfc3339_seconds(moment).to_string();
        Self {
            id: key.id.to_string(),
            label: key.grant.label.clone(),
            namespace: key.grant.namespace.clone(),
            bindings: match &key.grant.bindings {
                GrantedBindings::All => None,
                GrantedBindings::Only(ids) => Some(ids.iter().cloned().collect()),
            },
            permissions: key.grant.permissions.iter().map(larder_gateway::Permission::as_str).collect(),
            rate: key.grant.rate.map(|rate| rate.to_string()),
            created_at: at(key.created_at),
            expires_at: key.expires_at.map(at),
        }
    }

    pub(super) fn row(self) -> [String; 8] {
        let all = || "*".to_owned();
        [
            self.id,
            self.label.map_or_else(|| "-".to_owned(), |label| escaped(label.as_bytes())),
            self.namespace.unwrap_or_else(all),
            self.bindings.map_or_else(all, |ids| ids.join(",")),
            self.permissions.join(","),
            self.rate.unwrap_or_else(all),
            self.created_at,
            self.expires_at.unwrap_or_else(|| "never".to_owned()),
        ]
    }
}
