//! The record of a script.

use std::time::SystemTime;

use larder_core::{Clock, Error, ErrorKind, Result, SystemClock, Timestamp};
use serde::{Deserialize, Serialize};

use super::version::VersionId;

/// How many versions of a script are kept: the active one and those that were active before it.
pub const MAX_VERSIONS: usize = 20;
/// The form of the records.
const FORMAT: u8 = 1;

/// A script as it is deployed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Deployed {
    /// Its name.
    pub name: String,
    /// The version that runs.
    pub active: VersionId,
    /// Every version that is kept, the one that became active last first.
    pub versions: Vec<KeptVersion>,
}

/// A version that is kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeptVersion {
    /// Which one.
    pub version: VersionId,
    /// The bytes of its source.
    pub bytes: usize,
    /// When it became active last, by the clock of whoever did that.
    pub activated_at: SystemTime,
}

/// What is stored of a script.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Record {
    format: u8,
    /// The active one stands first.
    pub(super) versions: Vec<Kept>,
}

/// What is stored of a version.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) version: VersionId,
    /// The name of its pieces.
    pub(super) blob: String,
    pub(super) pieces: usize,
    pub(super) bytes: usize,
    /// Epoch milliseconds.
    pub(super) activated_at: u64,
}

impl Record {
    pub(super) fn new() -> Self {
        Self { format: FORMAT, versions: Vec::new() }
    }

    pub(super) fn active(&self) -> Option<&Kept> {
        self.versions.first()
    }

    pub(super) fn find(&self, version: VersionId) -> Option<&Kept> {
        self.versions.iter().find(|kept| kept.version == version)
    }

    /// Makes a version the active one, and returns those for which there is no room any more.
    pub(super) fn activate(&mut self, kept: Kept) -> Vec<Kept> {
        self.versions.retain(|other| other.version != kept.version);
        self.versions.insert(0, Kept { activated_at: SystemClock.now().as_millis(), ..kept });
        self.versions.split_off(MAX_VERSIONS.min(self.versions.len()))
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("a script's record: {error}")))
    }

    pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let corrupt = |why: &str| {
            Error::new(ErrorKind::Corrupt, format!("the record of the script {name:?} cannot be read: {why}"))
        };
        let record: Self = serde_json::from_slice(bytes)
            .map_err(|_| corrupt("it is no record of one, or a later version's"))?;
        if record.format != FORMAT {
            return Err(corrupt("it has the form of a later version"));
        }
        Ok(record)
    }

    pub(super) fn shown(&self, name: &str) -> Option<Deployed> {
        let versions = self.versions.iter().map(|kept| KeptVersion {
            version: kept.version,
            bytes: kept.bytes,
            activated_at: Timestamp::from_millis(kept.activated_at).to_system_time(),
        });
        Some(Deployed { name: name.to_owned(), active: self.active()?.version, versions: versions.collect() })
    }
}
