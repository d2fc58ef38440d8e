//! What is asked of a pool.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::deploy::VersionId;
use crate::host::Access;

/// A script: a name, a version, and its source. Cheap to clone.
#[derive(Clone)]
pub struct Script(Arc<Inner>);

struct Inner {
    name: String,
    version: String,
    source: String,
    hash: [u8; 32],
}

impl Script {
    /// A script. Name and version are what it is told of itself; its name stands in its stacks.
    pub fn new(name: impl Into<String>, version: impl Into<String>, source: impl Into<String>) -> Self {
        let source = source.into();
        let hash = Sha256::digest(source.as_bytes()).into();
        Self(Arc::new(Inner { name: name.into(), version: version.into(), source, hash }))
    }

    /// A script whose version is what its source comes to, as it has when it is deployed.
    pub fn of(name: impl Into<String>, source: impl Into<String>) -> Self {
        let source = source.into();
        let hash: [u8; 32] = Sha256::digest(source.as_bytes()).into();
        let version = VersionId::of_hash(&hash).to_string();
        Self(Arc::new(Inner { name: name.into(), version, source, hash }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Its source.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        self.0.hash
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("name", &self.0.name)
            .field("version", &self.0.version)
            .field("source", &format_args!("<{} bytes>", self.0.source.len()))
            .finish()
    }
}

/// A run to be made.
#[derive(Clone)]
pub struct Request {
    /// What to run.
    pub script: Script,
    /// JSON; `None` is `undefined`.
    pub input: Option<String>,
    /// What it may reach.
    pub access: Access,
    /// Whose data it is: a worker that has seen one tenant's is never given another's.
    pub tenant: String,
    /// Who asks, for the limit of runs at once.
    pub caller: String,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("script", &self.script)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}
