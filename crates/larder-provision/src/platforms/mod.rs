//! The provisioners of the platforms that are compiled in.

#[cfg(feature = "aws")]
pub(crate) mod aws;
#[cfg(feature = "azure")]
pub(crate) mod azure;
#[cfg(feature = "gcp")]
pub(crate) mod gcp;
#[cfg(feature = "local")]
pub(crate) mod local;

/// The platforms of this build.
pub(crate) const COMPILED_IN: &[&str] = &[
    #[cfg(feature = "local")]
    "local",
    #[cfg(feature = "aws")]
    "aws",
    #[cfg(feature = "gcp")]
    "gcp",
    #[cfg(feature = "azure")]
    "azure",
];
