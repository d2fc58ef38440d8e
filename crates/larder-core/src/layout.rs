//! The layout record: what a store was written by, and what it takes to read it (L1, L2).

use serde::{Deserialize, Serialize};

use crate::driver::{RowKey, Shard};
use crate::error::{Error, ErrorKind};
use crate::hash::{HASH_NAME, xxh64};
use crate::key::CanonicalKey;

/// The layout that this version of Larder writes.
pub const LAYOUT_VERSION: u16 = 1;

/// The name of the layout record.
pub const LAYOUT_RECORD: &str = "!layout";

/// How a store is laid out. Shard count and hash never change in place (L2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Layout {
    /// The layout's version.
    pub version: u16,
    /// The least reader that understands it.
    pub min_reader: u16,
    /// The least writer that keeps it whole.
    pub min_writer: u16,
    /// How many shards the keys are spread over.
    pub shards: u16,
    /// The hash that spreads them.
    pub hash: String,
}

impl Layout {
    /// The layout of a new store.
    pub fn new(shards: u16) -> Self {
        Self {
            version: LAYOUT_VERSION,
            min_reader: LAYOUT_VERSION,
            min_writer: LAYOUT_VERSION,
            shards,
            hash: HASH_NAME.to_owned(),
        }
    }

    /// The shard of a key.
    pub fn shard_of(&self, key: &CanonicalKey) -> Shard {
        if key.is_system() {
            return Shard::SYSTEM;
        }
        if self.shards == 1 {
            return Shard(0);
        }
        let shard = xxh64(key.as_bytes()) % u64::from(self.shards);
        // The remainder is below a u16.
        Shard(u16::try_from(shard).unwrap_or_default())
    }

    /// All shards that hold users' keys.
    pub fn all_shards(&self) -> impl Iterator<Item = Shard> + use<> {
        (0..self.shards).map(Shard)
    }

    pub(crate) fn to_json(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))
    }

    /// Reads a layout record, and refuses one that this version cannot read.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, Error> {
        let layout: Self = serde_json::from_slice(json).map_err(|error| {
            Error::new(ErrorKind::Corrupt, format!("the layout record cannot be read: {error}"))
        })?;
        let readable = layout.min_reader <= LAYOUT_VERSION
            && layout.hash == HASH_NAME
            && (1..Shard::SYSTEM.0).contains(&layout.shards);
        if readable { Ok(layout) } else { Err(layout.not_understood("reads")) }
    }

    /// Refuses to write to a store whose layout this version would not keep whole (L2).
    pub(crate) fn check_writer(&self) -> Result<(), Error> {
        if self.min_writer <= LAYOUT_VERSION { Ok(()) } else { Err(self.not_understood("writes")) }
    }

    fn not_understood(&self, does: &str) -> Error {
        Error::new(
            ErrorKind::Unsupported,
            format!(
                "the store has layout {} (for readers from {}, for writers from {}, {} shards by {:?}); this program \
                 {does} layout {LAYOUT_VERSION} by {HASH_NAME:?}: upgrade the program",
                self.version, self.min_reader, self.min_writer, self.shards, self.hash
            ),
        )
    }
}

/// Where the layout record lives, on every backend.
pub(crate) fn layout_row() -> RowKey {
    system_row(LAYOUT_RECORD)
}

/// Where an internal record lives.
pub(crate) fn system_row(name: &str) -> RowKey {
    let (mark, rest) = name.split_at(1);
    RowKey { shard: Shard::SYSTEM, key: CanonicalKey::from_parts(mark, rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> CanonicalKey {
        CanonicalKey::from_canonical(text).expect("canonical")
    }

    #[test]
    fn keys_are_spread_by_the_specified_hash() {
        let layout = Layout::new(16);
        assert_eq!(layout.shard_of(&key("a")), Shard((0xD24E_C4F1_A98C_6E5B_u64 % 16) as u16));
        assert_eq!(layout.shard_of(&key("abc")), Shard(9));
        assert_eq!(layout.shard_of(&key("!layout")), Shard::SYSTEM);
        assert_eq!(Layout::new(1).shard_of(&key("abc")), Shard(0));
    }

    #[test]
    fn the_record_is_json_with_fixed_names() {
        let json = String::from_utf8(Layout::new(4).to_json().expect("json")).expect("text");
        assert_eq!(json, r#"{"version":1,"minReader":1,"minWriter":1,"shards":4,"hash":"xxh64"}"#);
    }

    #[test]
    fn a_newer_layout_that_old_readers_understand_is_read() {
        let newer = r#"{"version":2,"minReader":1,"minWriter":1,"shards":4,"hash":"xxh64","more":true}"#;
        assert_eq!(Layout::from_json(newer.as_bytes()).expect("understood").version, 2);
    }

    #[test]
    fn a_layout_for_newer_writers_can_still_be_read() {
        let newer = r#"{"version":2,"minReader":1,"minWriter":2,"shards":4,"hash":"xxh64"}"#;
        let layout = Layout::from_json(newer.as_bytes()).expect("readable");
        assert_eq!(layout.check_writer().expect_err("refused").kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_layout_that_is_not_understood_is_refused_with_both_sides() {
        for json in [
            r#"{"version":2,"minReader":2,"minWriter":2,"shards":4,"hash":"xxh64"}"#,
            r#"{"version":1,"minReader":1,"minWriter":1,"shards":4,"hash":"sip13"}"#,
            r#"{"version":1,"minReader":1,"minWriter":1,"shards":0,"hash":"xxh64"}"#,
        ] {
            let error = Layout::from_json(json.as_bytes()).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains("this program reads layout 1"), "{error}");
        }
        assert_eq!(Layout::from_json(b"{").expect_err("refused").kind(), ErrorKind::Corrupt);
    }
}
