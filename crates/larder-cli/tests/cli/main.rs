//! The program `larder` as a process: on embedded stores, and on the emulators of all clouds.

mod care;
mod copy;
mod data;
mod documents;
mod drain;
mod export;
mod keys;
mod output;
#[cfg(feature = "gateway")]
mod remote;
mod resume;
#[cfg(all(feature = "aws", feature = "azure", feature = "gcp"))]
mod ring;
mod serve_settings;
mod serving;
mod stack;
#[cfg(all(feature = "aws", feature = "azure", feature = "gcp"))]
mod stack_clouds;
mod support;
mod usage;
