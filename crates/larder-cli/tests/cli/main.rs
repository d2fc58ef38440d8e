//! The program `larder` as a process: on embedded stores, and on the emulators of all clouds.

mod bare;
mod care;
#[cfg(all(feature = "aws", feature = "azure", feature = "gcp"))]
mod check_clouds;
mod copy;
mod data;
mod documents;
mod drain;
mod expiry;
mod export;
mod keys;
mod output;
#[cfg(all(feature = "aws", feature = "azure", feature = "gcp"))]
mod proxy;
#[cfg(feature = "gateway")]
mod remote;
mod resume;
#[cfg(all(feature = "aws", feature = "azure", feature = "gcp"))]
mod ring;
#[cfg(unix)]
mod scripts;
mod serve_logs;
mod serve_settings;
mod serving;
mod stack;
#[cfg(all(feature = "aws", feature = "azure", feature = "gcp"))]
mod stack_clouds;
mod support;
#[cfg(unix)]
mod terminal;
#[cfg(feature = "otel")]
mod traces;
mod usage;
