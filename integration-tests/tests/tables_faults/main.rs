//! Azure Tables behind a network that loses, delays, repeats and refuses: no outcome is ever untrue.
//!
//! The log of the proxy is the truth of what the server was asked and what it did.

mod bench;
mod contended;
mod each_fault;
