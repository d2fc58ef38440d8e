//! The test vectors of `docs/layouts.md` hold for this code: what is stored and handed out may never change.

use crate::cursor::Cursor;
use crate::driver::Shard;
use crate::hash::xxh64;
use crate::key::{CanonicalKey, push_escaped};
use crate::layout::Layout;
use crate::record::{Revision, WriteId};
use crate::time::{Expiry, Timestamp};
use crate::version::Version;

/// The rows of the document's tables that have so many columns, as their cells without backquotes.
fn rows(columns: usize) -> Vec<Vec<&'static str>> {
    let document = include_str!("../../../docs/layouts.md");
    let cells = |line: &'static str| -> Vec<&'static str> {
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect()
    };
    document
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(cells)
        .filter(|row| row.len() == columns)
        .collect()
}

fn key(canonical: &str) -> CanonicalKey {
    CanonicalKey::from_canonical(canonical).expect("canonical")
}

#[test]
fn keys_hash_to_their_shards() {
    let vectors: Vec<_> =
        rows(7).into_iter().filter_map(|row| Some((u64::from_str_radix(row[3], 16).ok()?, row))).collect();
    assert!(vectors.len() >= 16, "{} vectors", vectors.len());
    for (hash, row) in vectors {
        let canonical = key(row[1]);
        assert_eq!(canonical.as_bytes().len().to_string(), row[2], "{row:?}");
        assert_eq!(xxh64(canonical.as_bytes()), hash, "{row:?}");
        for (shards, column) in [(1, 4), (4, 5), (16, 6)] {
            let Shard(shard) = Layout::new(shards).shard_of(&canonical);
            assert_eq!(shard.to_string(), row[column], "{row:?}");
        }
        let decoded = canonical.into_key(0).expect("a key");
        let mut again = String::new();
        push_escaped(&mut again, &decoded);
        assert_eq!(again, row[1]);
    }
}

#[test]
fn versions_have_their_tokens() {
    let id = WriteId::from_bytes(std::array::from_fn(|at| u8::try_from(at).expect("small")));
    let vectors: Vec<_> =
        rows(4).into_iter().filter(|row| row[3].starts_with("AbIr") || row[3].starts_with("AVTY")).collect();
    assert!(vectors.len() >= 5, "{} vectors", vectors.len());
    for row in vectors {
        let expires_at = match row[1] {
            "never" => Expiry::NEVER,
            millis => Expiry::at(Timestamp::from_millis(millis.parse().expect("a number"))),
        };
        let revision = match row[2].split_once('`') {
            Some((_, text)) if !row[2].starts_with("write id") => Revision::Platform(text.into()),
            _ => Revision::WriteId(id),
        };
        let version = Version::new(&key(row[0]), expires_at, revision);
        assert_eq!(version.to_string(), row[3], "{row:?}");
        assert_eq!(row[3].parse::<Version>().expect("a version"), version);
    }
}

#[test]
fn cursors_have_their_tokens() {
    let vectors: Vec<_> = rows(3).into_iter().filter(|row| row[2].parse::<Cursor>().is_ok()).collect();
    assert!(vectors.len() >= 4, "{} vectors", vectors.len());
    for row in vectors {
        let prefix = if row[0] == "empty" { "" } else { row[0] };
        assert_eq!(Cursor::new(prefix, row[1]).to_string(), row[2], "{row:?}");
    }
}
