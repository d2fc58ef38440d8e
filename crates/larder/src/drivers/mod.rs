//! How each driver that is compiled in is opened.

#[cfg(feature = "local")]
pub(crate) mod local;
