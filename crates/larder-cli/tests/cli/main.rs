//! The program `larder` as a process, on embedded stores.

mod care;
mod copy;
mod data;
mod documents;
mod export;
mod output;
mod resume;
#[path = "../support/mod.rs"]
mod support;
mod usage;
