//! Sources that were read before.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::version::VersionId;
use crate::pool::Script;

/// The most bytes of sources that are held.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Sources that were read before, so that a run reads no more than which version is active. Cheap to clone.
///
/// A version is what its source comes to: whoever finds it here finds what the store has.
#[derive(Clone, Default)]
pub struct SourceCache(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    scripts: HashMap<(String, VersionId), Script>,
    bytes: usize,
}

impl SourceCache {
    pub(super) fn get(&self, name: &str, version: VersionId) -> Option<Script> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.scripts.get(&(name.to_owned(), version)).cloned()
    }

    pub(super) fn put(&self, version: VersionId, script: &Script) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.bytes + script.source().len() > MOST_BYTES {
            *held = Held::default();
        }
        held.bytes += script.source().len();
        held.scripts.insert((script.name().to_owned(), version), script.clone());
    }
}

impl fmt::Debug for SourceCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SourceCache")
    }
}
