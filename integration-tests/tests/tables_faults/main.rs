//! Azure Tables behind a network that loses, delays, repeats and refuses: no outcome is ever untrue.
//!
//! The log of the proxy is the truth of what the server was asked and what it did. The tests are those of every cloud.

#[path = "../faults/anywhere.rs"]
mod anywhere;
#[path = "../faults/bench.rs"]
mod bench;
mod cloud;
#[path = "../faults/contended.rs"]
mod contended;
#[path = "../faults/each_fault.rs"]
mod each_fault;
mod groups;
#[path = "../faults/many.rs"]
mod many;
#[path = "../faults/op.rs"]
mod op;
