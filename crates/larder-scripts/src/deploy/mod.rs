//! Deployed scripts: immutable versions in the store under `!`, and a record for each script that says which one is active.
//!
//! A source is cut into pieces that fit a value, which are written first, under a random name of their own. Then the
//! script's record is written, on condition that nobody wrote it since it was read: it names the pieces of every version
//! and the active one, so that all of a deployment, a rollback or a removal happens at that one write. Whoever dies
//! before it has changed nothing that anybody sees.

mod cache;
mod pieces;
mod record;
mod store;
mod version;

pub use self::cache::SourceCache;
pub use self::record::{Deployed, KeptVersion, MAX_VERSIONS};
pub use self::store::{Deployment, Expected, Removal, ScriptStore, Unreadable};
pub use self::version::VersionId;
