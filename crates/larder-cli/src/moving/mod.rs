//! Moving entries between stores, and between stores and files.

pub(crate) mod behind;
pub(crate) mod compare;
pub(crate) mod destination;
pub(crate) mod entry;
pub(crate) mod file;
pub(crate) mod pace;
pub(crate) mod pipeline;
pub(crate) mod place;
pub(crate) mod position;
pub(crate) mod progress;
pub(crate) mod salvaged;
pub(crate) mod tally;
pub(crate) mod writer;
