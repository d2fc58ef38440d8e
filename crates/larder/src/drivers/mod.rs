//! How each driver that is compiled in is opened.

#[cfg(feature = "aws")]
pub(crate) mod aws;
#[cfg(feature = "azure")]
pub(crate) mod azure;
#[cfg(feature = "gateway")]
pub(crate) mod gateway;
#[cfg(feature = "gcp")]
pub(crate) mod gcp;
#[cfg(feature = "local")]
pub(crate) mod local;
