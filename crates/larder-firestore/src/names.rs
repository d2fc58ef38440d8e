//! The names of documents.

use std::fmt;

use larder_core::SYSTEM_MARK;
use larder_core::driver::{RowKey, Shard, StoredKey};

/// Where a collection is.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) project: String,
    pub(crate) database: String,
    pub(crate) collection: String,
    /// The server's URL, which holds no secret.
    pub(crate) url: String,
}

impl Place {
    /// `projects/P/databases/D`.
    pub(crate) fn database_name(&self) -> String {
        format!("projects/{}/databases/{}", self.project, self.database)
    }

    /// What collections at the root are in.
    pub(crate) fn root(&self) -> String {
        format!("{}/documents", self.database_name())
    }

    /// The document of a row.
    pub(crate) fn document(&self, row: &RowKey) -> String {
        self.bound(row.shard, row.key.as_str())
    }

    /// The name that a row with this text for a key would have; the text need not be one.
    pub(crate) fn bound(&self, shard: Shard, text: &str) -> String {
        let (kind, text) = match shard {
            Shard::SYSTEM => (SYSTEM, text.strip_prefix(SYSTEM_MARK).unwrap_or(text)),
            _ => (KEY, text),
        };
        format!("{}/{}/{kind}{text}", self.root(), self.collection)
    }

    /// The text of the key of a document that is in a range of this shard.
    pub(crate) fn key(&self, shard: Shard, document: &str) -> Option<StoredKey> {
        let id = document.rsplit('/').next()?;
        match shard {
            Shard::SYSTEM => Some(format!("{SYSTEM_MARK}{}", id.strip_prefix(SYSTEM)?).into()),
            _ => Some(id.strip_prefix(KEY)?.into()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, database, collection, url } = self;
        write!(f, "collection {collection} of database {database} in project {project} at {url}")
    }
}

/// The first character of every document with a user's key. With it no reserved name (`.`, `..`, `__x__`) can come up.
const KEY: char = 'k';
/// The first character of every document with a record of Larder's own.
const SYSTEM: char = 's';

#[cfg(test)]
mod tests {
    use larder_core::CanonicalKey;

    use super::*;

    #[test]
    fn keys_and_internal_records_never_meet() {
        let place = Place {
            project: "p".into(),
            database: "(default)".into(),
            collection: "c".into(),
            url: "https://host".into(),
        };
        let row = |shard, key| RowKey { shard, key: CanonicalKey::from_canonical(key).expect("canonical") };
        let documents = "projects/p/databases/(default)/documents/c";
        assert_eq!(place.document(&row(Shard::SYSTEM, "!layout")), format!("{documents}/slayout"));
        for (key, id) in
            [("..", "k.."), ("__x__", "k__x__"), ("a~2Fb", "ka~2Fb"), ("~21layout", "k~21layout")]
        {
            let document = place.document(&row(Shard(0), key));
            assert_eq!(document, format!("{documents}/{id}"));
            assert_eq!(place.key(Shard(0), &document).expect("a key").as_str(), key);
        }
        let layout = place.key(Shard::SYSTEM, &format!("{documents}/slayout")).expect("a key");
        assert_eq!(layout.as_str(), "!layout");
        assert_eq!(place.key(Shard(0), &format!("{documents}/slayout")), None);
        let foreign = place.key(Shard(0), &format!("{documents}/ka b"));
        assert_eq!(foreign, Some("a b".into()), "the handle judges it");
    }
}
