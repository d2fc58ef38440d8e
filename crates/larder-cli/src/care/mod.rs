//! What `larder check` looks at.

pub(crate) mod finding;
pub(crate) mod permissions;
pub(crate) mod removal;
pub(crate) mod store;
