//! The names of documents.

use std::fmt;

use larder_core::SYSTEM_MARK;
use larder_core::driver::{RowKey, Shard, StoredKey};
use smol_str::format_smolstr;

/// Where a collection is.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) project: String,
    pub(crate) database: String,
    pub(crate) collection: String,
    /// The server's URL, which holds no secret.
    pub(crate) url: String,
    /// `projects/P/databases/D`.
    pub(crate) database_name: String,
    /// What collections at the root are in.
    pub(crate) root: String,
    /// What the names of all documents begin with.
    documents: String,
}

impl Place {
    pub(crate) fn new(project: String, database: String, collection: String, url: String) -> Self {
        let database_name = format!("projects/{project}/databases/{database}");
        let root = format!("{database_name}/documents");
        let documents = format!("{root}/{collection}/");
        Self { project, database, collection, url, database_name, root, documents }
    }

    /// The document of a row.
    pub(crate) fn document<'a>(&'a self, row: &'a RowKey) -> Name<'a> {
        self.bound(row.shard, row.key.as_str())
    }

    /// The name that a row with this text for a key would have; the text need not be one.
    pub(crate) fn bound<'a>(&'a self, shard: Shard, text: &'a str) -> Name<'a> {
        let (kind, text) = match shard {
            Shard::SYSTEM => (SYSTEM, text.strip_prefix(SYSTEM_MARK).unwrap_or(text)),
            _ => (KEY, text),
        };
        Name { documents: &self.documents, kind, text }
    }

    /// The id of a document of this collection, by its name as the server gives it: that may have the project's number in
    /// it where it was asked for by its id, and the other way round.
    pub(crate) fn id<'a>(&self, name: &'a str) -> Option<&'a str> {
        let mut parts = name.splitn(6, '/');
        let (projects, _project, databases) = (parts.next()?, parts.next()?, parts.next()?);
        let (_database, documents, path) = (parts.next()?, parts.next()?, parts.next()?);
        if (projects, databases, documents) != ("projects", "databases", "documents") {
            return None;
        }
        path.strip_prefix(self.collection.as_str())?.strip_prefix('/')
    }

    /// The text of the key of a document that is in a range of this shard.
    pub(crate) fn key(&self, shard: Shard, document: &str) -> Option<StoredKey> {
        let id = self.id(document)?;
        match shard {
            Shard::SYSTEM => Some(format_smolstr!("{SYSTEM_MARK}{}", id.strip_prefix(SYSTEM)?).into()),
            _ => Some(id.strip_prefix(KEY)?.into()),
        }
    }
}

/// The name of a document, which is put together only where it is written.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    documents: &'a str,
    kind: &'static str,
    text: &'a str,
}

impl Name<'_> {
    /// What it consists of.
    pub(crate) fn parts(&self) -> [&str; 3] {
        [self.documents, self.kind, self.text]
    }

    /// The id of the document.
    pub(crate) fn id(&self) -> String {
        [self.kind, self.text].concat()
    }

    /// The name in one piece.
    pub(crate) fn whole(&self) -> String {
        self.parts().concat()
    }

    /// Whether the document has this id.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        id.strip_prefix(self.kind) == Some(self.text)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, database, collection, url, .. } = self;
        write!(f, "collection {collection} of database {database} in project {project} at {url}")
    }
}

/// The first character of every document with a user's key. With it no reserved name (`.`, `..`, `__x__`) can come up.
const KEY: &str = "k";
/// The first character of every document with a record of Larder's own.
const SYSTEM: &str = "s";

#[cfg(test)]
mod tests {
    use larder_core::CanonicalKey;

    use super::*;

    fn place() -> Place {
        Place::new("p".into(), "(default)".into(), "c".into(), "https://host".into())
    }

    #[test]
    fn keys_and_internal_records_never_meet() {
        let place = place();
        let row = |shard, key| RowKey { shard, key: CanonicalKey::from_canonical(key).expect("canonical") };
        let documents = "projects/p/databases/(default)/documents/c";
        assert_eq!(place.document(&row(Shard::SYSTEM, "!layout")).whole(), format!("{documents}/slayout"));
        for (key, id) in
            [("..", "k.."), ("__x__", "k__x__"), ("a~2Fb", "ka~2Fb"), ("~21layout", "k~21layout")]
        {
            let row = row(Shard(0), key);
            let document = place.document(&row).whole();
            assert!(place.document(&row).has_id(id));
            assert_eq!(document, format!("{documents}/{id}"));
            assert_eq!(place.key(Shard(0), &document).expect("a key").as_str(), key);
        }
        let layout = place.key(Shard::SYSTEM, &format!("{documents}/slayout")).expect("a key");
        assert_eq!(layout.as_str(), "!layout");
        assert_eq!(place.key(Shard(0), &format!("{documents}/slayout")), None);
        let foreign = place.key(Shard(0), &format!("{documents}/ka b"));
        assert_eq!(foreign, Some("a b".into()), "the handle judges it");
    }

    #[test]
    fn a_project_may_be_named_by_its_number() {
        let place = place();
        for name in [
            "projects/p/databases/(default)/documents/c/ka",
            "projects/123456789/databases/(default)/documents/c/ka",
        ] {
            assert_eq!(place.id(name), Some("ka"), "{name}");
            assert_eq!(place.key(Shard(0), name), Some("a".into()), "{name}");
        }
        let odd = Place::new("1".into(), "documents".into(), "documents".into(), "https://host".into());
        assert_eq!(odd.id("projects/p/databases/documents/documents/documents/ka"), Some("ka"));
        for name in [
            "",
            "ka",
            "c/ka",
            "projects/p/databases/(default)/documents/c",
            "projects/p/databases/(default)/documents/cc/ka",
            "projects/p/databases/(default)/documents/d/ka",
            "projects/p/databases/(default)/c/ka",
            "projects/p/instances/(default)/documents/c/ka",
        ] {
            assert_eq!(place.id(name), None, "{name}");
        }
    }
}
