//! The console in a browser, against a gateway over TCP.

mod files;
mod me;
mod pages;
mod run;
mod stats;
#[path = "../http/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;
