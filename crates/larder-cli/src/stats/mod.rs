//! What a store holds, in figures.

pub(crate) mod cost;
pub(crate) mod figures;
pub(crate) mod groups;
pub(crate) mod histogram;
