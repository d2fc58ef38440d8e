//! Environment variables, or what a test puts in their place.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

/// Where variables are looked up: in this process's environment, or in a map.
///
/// ```
/// use larder::{Bindings, Environment};
///
/// let environment: Environment = [("LARDER_CACHE_BINDING", "local-kv:data")].into_iter().collect();
/// let bindings = Bindings::from_env().with_environment(environment);
/// # let _ = bindings;
/// ```
#[derive(Clone, Default)]
pub struct Environment(Variables);

#[derive(Clone, Default)]
enum Variables {
    #[default]
    Process,
    Map(Arc<HashMap<String, OsString>>),
}

impl Environment {
    /// The environment of this process, as it is when a variable is looked up.
    pub fn process() -> Self {
        Self(Variables::Process)
    }

    /// A variable's value; `None` when it is not set.
    pub(crate) fn get(&self, name: &str) -> Option<OsString> {
        match &self.0 {
            Variables::Process => std::env::var_os(name),
            Variables::Map(map) => map.get(name).cloned(),
        }
    }
}

impl<K: Into<String>, V: Into<OsString>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let map = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self(Variables::Map(Arc::new(map)))
    }
}

impl fmt::Debug for Environment {
    /// Without names and values: variables hold credentials (E2).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Variables::Process => "Environment(process)",
            Variables::Map(_) => "Environment(map)",
        })
    }
}
