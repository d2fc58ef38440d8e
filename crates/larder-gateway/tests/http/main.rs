//! The gateway over TCP, on embedded stores, by a clock that the tests move.

mod batches;
mod caller;
mod counters;
mod document;
mod entries;
mod expecting;
mod failures;
mod http2;
mod model;
mod operations;
mod panics;
mod plain;
mod refusals;
mod samples;
mod scans;
mod scripts;
mod slow;
mod support;
