//! Versions: what a caller holds to say "only if nobody wrote since" (P2).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, InvalidInput};
use crate::hash::xxh64;
use crate::key::CanonicalKey;
use crate::record::{Record, Revision, WriteId};
use crate::time::{Expiry, Timestamp};

const FORMAT: u8 = 1;
const WRITE_ID: u8 = 0;
const PLATFORM: u8 = 1;
/// The bytes before the revision.
const HEAD: usize = 18;
/// As many bytes as a version has nearly always. They are written without asking for memory, and in one piece.
const USUAL: usize = 80;
const USUAL_TEXT: usize = (USUAL * 4).div_ceil(3);

/// The state of one entry, as an opaque token (P2).
///
/// It is bound to its key, and different after every successful write to that key, also across delete and re-create.
/// It carries the entry's expiry: from then on it satisfies no condition, and no request is made for it.
///
/// As text (`to_string`, `parse`) it is URL-safe, and holds neither key nor value.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> larder_core::Result<()> {
/// use larder_core::{Kv, MemoryDriver, PutOptions, Version};
///
/// let kv = Kv::new(MemoryDriver::new());
/// let stored = kv.put("config", "a", PutOptions::new()).await?;
/// let version: Version = stored.version().expect("stored").to_string().parse()?;
/// assert!(kv.put("config", "b", PutOptions::new().if_version(version)).await?.is_stored());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version {
    key_hash: u64,
    expires_at: Expiry,
    revision: Revision,
}

impl Version {
    pub(crate) fn new(key: &CanonicalKey, expires_at: Expiry, revision: Revision) -> Self {
        Self { key_hash: xxh64(key.as_bytes()), expires_at, revision }
    }

    pub(crate) fn of(key: &CanonicalKey, record: &Record) -> Self {
        Self::new(key, record.expires_at, record.revision.clone())
    }

    pub(crate) fn revision(&self) -> &Revision {
        &self.revision
    }

    pub(crate) fn expires_at(&self) -> Expiry {
        self.expires_at
    }

    /// Whether the entry that had this version has expired at `now`.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_past(now)
    }

    /// Refuses a version that was taken of another key.
    pub(crate) fn check_key(&self, key: &CanonicalKey) -> Result<(), InvalidInput> {
        if self.key_hash == xxh64(key.as_bytes()) {
            return Ok(());
        }
        Err(InvalidInput::new("the version belongs to another key; use one that was read from this key"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, revision): (u8, &[u8]) = match &self.revision {
            Revision::WriteId(id) => (WRITE_ID, id.as_bytes()),
            Revision::Platform(text) => (PLATFORM, text.as_bytes()),
        };
        let (mut usual, mut long) = ([0; USUAL], Vec::new());
        let bytes = if HEAD + revision.len() <= USUAL {
            &mut usual[..HEAD + revision.len()]
        } else {
            long.resize(HEAD + revision.len(), 0);
            &mut long
        };
        bytes[0] = FORMAT;
        bytes[1..9].copy_from_slice(&self.key_hash.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.expires_at.to_raw().to_be_bytes());
        bytes[17] = kind;
        bytes[HEAD..].copy_from_slice(revision);
        let mut text = [0; USUAL_TEXT];
        match URL_SAFE_NO_PAD.encode_slice(&*bytes, &mut text) {
            Ok(len) => f.write_str(std::str::from_utf8(&text[..len]).map_err(|_| fmt::Error)?),
            Err(_) => Base64Display::new(bytes, &URL_SAFE_NO_PAD).fmt(f),
        }
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({self})")
    }
}

impl FromStr for Version {
    type Err = Error;

    /// Reads the text of a version. Text that is none is [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
    fn from_str(text: &str) -> Result<Self, Error> {
        decode(text).ok_or_else(|| {
            InvalidInput::new("the version is damaged or was not made by this store; read the entry again")
                .into()
        })
    }
}

fn decode(text: &str) -> Option<Version> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (&format, rest) = bytes.split_first()?;
    let (key_hash, rest) = rest.split_first_chunk::<8>()?;
    let (expires_at, rest) = rest.split_first_chunk::<8>()?;
    let (&kind, revision) = rest.split_first()?;
    let revision = match kind {
        WRITE_ID => Revision::WriteId(WriteId::from_bytes(revision.try_into().ok()?)),
        PLATFORM => Revision::Platform(std::str::from_utf8(revision).ok()?.into()),
        _ => return None,
    };
    (format == FORMAT).then(|| Version {
        key_hash: u64::from_be_bytes(*key_hash),
        expires_at: Expiry::from_raw(u64::from_be_bytes(*expires_at)),
        revision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> CanonicalKey {
        CanonicalKey::from_canonical(text).expect("canonical")
    }

    #[test]
    fn text_brings_back_the_version() {
        for revision in [
            Revision::WriteId(WriteId::random()),
            Revision::Platform("W/\"datetime'2026-01-01T00%3A00%3A00Z'\"".into()),
            // As many bytes as usual at most, one more, and many more.
            Revision::Platform("x".repeat(USUAL - HEAD).into()),
            Revision::Platform("x".repeat(USUAL - HEAD + 1).into()),
            Revision::Platform("x".repeat(200).into()),
            Revision::Platform("".into()),
        ] {
            let version = Version::new(&key("user:1"), Expiry::NEVER, revision);
            assert_eq!(version.to_string().parse::<Version>().expect("version"), version);
        }
    }

    #[test]
    fn text_that_is_no_version_is_refused() {
        for text in ["", "x", "AAAA", "AQ", "not base64!"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_version_belongs_to_one_key() {
        let version = Version::new(&key("a"), Expiry::NEVER, Revision::WriteId(WriteId::random()));
        assert!(version.check_key(&key("a")).is_ok());
        assert!(version.check_key(&key("b")).is_err());
    }
}
