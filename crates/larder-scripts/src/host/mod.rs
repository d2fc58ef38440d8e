//! What a script's calls do: each is made by the parent, on the caller's store, with the caller's rights.

mod access;
mod execute;
mod refusal;

pub use self::access::{Access, Right};
pub(crate) use self::execute::execute;
