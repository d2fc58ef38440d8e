//! Bindings of embedded stores.

use std::path::Path;

use larder::Bindings;
use serde_json::json;

use crate::STORE;

/// The variable that a program finds its binding in.
pub const VARIABLE: &str = "LARDER_STORE_BINDING";

/// The text of a binding on a directory, with more fields as JSON.
pub fn local(dir: &Path, more: serde_json::Value) -> String {
    let mut binding = json!({ "service": "local-kv", "dataDir": dir });
    if let (Some(binding), serde_json::Value::Object(more)) = (binding.as_object_mut(), more) {
        binding.extend(more);
    }
    binding.to_string()
}

/// The bindings of a process that has one, on a directory.
pub fn on(dir: &Path) -> Bindings {
    Bindings::from_map([(STORE, local(dir, json!({})))])
}
