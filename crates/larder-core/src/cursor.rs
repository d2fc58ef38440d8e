//! Cursors: where a scan goes on, the same on every backend (S3).

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, InvalidInput};
use crate::hash::xxh64;
use crate::key::AFTER_EVERY_KEY;

const FORMAT: u8 = 1;
const HEADER: usize = 13;

/// A position in the scan of one prefix, as an opaque, URL-safe token (S3).
///
/// It never goes stale, and means the same position on every backend that holds the same keys. It holds the key of the
/// last entry that was passed, relative to the handle, so treat it like a key. It grants nothing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cursor {
    prefix_hash: u64,
    /// The canonical form of the last key that was passed, without its namespace.
    after: Box<str>,
}

impl Cursor {
    /// The position behind `after`, both in canonical form and relative to the handle.
    pub(crate) fn new(prefix: &str, after: &str) -> Self {
        Self { prefix_hash: xxh64(prefix.as_bytes()), after: after.into() }
    }

    /// The key to go on behind, if this cursor is one of `prefix`.
    pub(crate) fn after(&self, prefix: &str) -> Result<&str, InvalidInput> {
        if self.prefix_hash == xxh64(prefix.as_bytes())
            && let Some(rest) = self.after.strip_prefix(prefix)
            && !rest.starts_with(|first| first >= AFTER_EVERY_KEY)
        {
            return Ok(&self.after);
        }
        Err(InvalidInput::new("the cursor belongs to a scan of another prefix; start that scan without it"))
    }

    fn checksum(prefix_hash: u64, after: &str) -> [u8; 4] {
        let mut bytes = Vec::with_capacity(9 + after.len());
        bytes.push(FORMAT);
        bytes.extend(prefix_hash.to_be_bytes());
        bytes.extend(after.as_bytes());
        let [.., a, b, c, d] = xxh64(&bytes).to_be_bytes();
        [a, b, c, d]
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(HEADER + self.after.len());
        bytes.push(FORMAT);
        bytes.extend(self.prefix_hash.to_be_bytes());
        bytes.extend(Self::checksum(self.prefix_hash, &self.after));
        bytes.extend(self.after.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key in it may be a secret (E1).
        f.write_str("Cursor(..)")
    }
}

impl FromStr for Cursor {
    type Err = Error;

    /// Reads the text of a cursor. Damaged text is [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
    fn from_str(text: &str) -> Result<Self, Error> {
        decode(text).ok_or_else(|| {
            InvalidInput::new("the cursor is damaged or was not made by a scan; start the scan without it")
                .into()
        })
    }
}

fn decode(text: &str) -> Option<Cursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (&format, rest) = bytes.split_first()?;
    let (prefix_hash, rest) = rest.split_first_chunk::<8>()?;
    let (checksum, after) = rest.split_first_chunk::<4>()?;
    let prefix_hash = u64::from_be_bytes(*prefix_hash);
    let after = std::str::from_utf8(after).ok()?;
    let intact = format == FORMAT && *checksum == Cursor::checksum(prefix_hash, after) && !after.is_empty();
    intact.then(|| Cursor { prefix_hash, after: after.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_brings_back_the_cursor() {
        let cursor = Cursor::new("user:", "user:~F0~9F~A5~AB");
        let read: Cursor = cursor.to_string().parse().expect("cursor");
        assert_eq!(read.after("user:").expect("own prefix"), "user:~F0~9F~A5~AB");
    }

    #[test]
    fn a_cursor_of_another_prefix_is_refused() {
        let cursor = Cursor::new("user:", "user:1");
        assert!(cursor.after("user").is_err());
        assert!(cursor.after("").is_err());
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let text = Cursor::new("a", "a~2Fb").to_string();
        for at in 0..text.len() {
            for other in ["A", "z", "0"] {
                let mut changed = text.clone();
                changed.replace_range(at..=at, other);
                assert!(changed == text || changed.parse::<Cursor>().is_err(), "{changed}");
            }
            assert!(text[..at].parse::<Cursor>().is_err());
        }
    }
}
