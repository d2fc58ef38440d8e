//! The fields of one binding, by name: what JSON and URLs are both turned into.

use std::collections::BTreeMap;

use crate::Secret;
use crate::fault::{Fault, shown};

/// The fields that were given, each a string that is fit to be shown to the service's own checks.
pub(crate) struct Fields {
    known: &'static [&'static str],
    given: BTreeMap<&'static str, String>,
}

impl Fields {
    pub(crate) fn new(known: &'static [&'static str]) -> Self {
        Self { known, given: BTreeMap::new() }
    }

    /// The field of that name, if this service has one.
    pub(crate) fn known(&self, name: &str) -> Result<&'static str, Fault> {
        self.known.iter().find(|known| **known == name).copied().ok_or_else(|| {
            Fault::new(format!("the key {} is unknown; known are {}", shown(name), self.known.join(", ")))
        })
    }

    /// Sets a field. `from` is how it came there, for errors: empty, or as ` (from the variable X)`.
    pub(crate) fn set(&mut self, name: &'static str, value: String, from: &str) -> Result<(), Fault> {
        if value.is_empty() {
            return Err(Fault::new(format!("{name} is empty{from}")));
        }
        // The usual way to get one is a line break at the end of a file that was read into a variable.
        if value.trim() != value || value.chars().any(char::is_control) {
            return Err(Fault::new(format!(
                "{name} holds a control character, or white space at an end{from}"
            )));
        }
        match self.given.insert(name, value) {
            None => Ok(()),
            Some(_) => Err(Fault::new(format!("{name} is given twice"))),
        }
    }

    pub(crate) fn required(&mut self, name: &'static str) -> Result<String, Fault> {
        self.optional(name).ok_or_else(|| Fault::new(format!("{name} is missing")))
    }

    pub(crate) fn optional(&mut self, name: &'static str) -> Option<String> {
        debug_assert!(self.known.contains(&name), "{name} cannot be given");
        self.given.remove(name)
    }

    pub(crate) fn optional_secret(&mut self, name: &'static str) -> Option<Secret> {
        self.optional(name).map(Secret::new)
    }
}
