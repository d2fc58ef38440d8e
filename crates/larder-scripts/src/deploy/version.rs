//! Versions: what their sources come to.

use std::fmt;
use std::str::FromStr;

use larder_core::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const BYTES: usize = 16;

/// A version of a script: the first 128 bits of the SHA-256 of its source, in hexadecimal. The same source is the same
/// version.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionId([u8; BYTES]);

impl VersionId {
    /// The version that a source is.
    pub fn of(source: &str) -> Self {
        Self::of_hash(&Sha256::digest(source.as_bytes()).into())
    }

    /// The same, of a source that was hashed already.
    pub(crate) fn of_hash(hash: &[u8; 32]) -> Self {
        let mut id = [0; BYTES];
        id.copy_from_slice(&hash[..BYTES]);
        Self(id)
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VersionId({self})")
    }
}

impl FromStr for VersionId {
    type Err = Error;

    /// Reads a version. Text that is none is `InvalidInput`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut id = [0; BYTES];
        hex::decode_to_slice(text, &mut id).map_err(|_| {
            Error::new(
                ErrorKind::InvalidInput,
                "the version of the script is none: it has 32 digits of 0-9 a-f",
            )
        })?;
        Ok(Self(id))
    }
}

impl TryFrom<String> for VersionId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<VersionId> for String {
    fn from(id: VersionId) -> Self {
        id.to_string()
    }
}
