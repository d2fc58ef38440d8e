//! What the integration tests and the programs that they start have in common.
//!
//! A test that needs a second process, or one that it can kill, starts one of the programs in `src/bin` and reads what it
//! prints, line by line. Nothing here sleeps: a test waits for a line, for the end of a process, or for a file.

pub mod answering;
pub mod bindings;
pub mod dynamodb;
pub mod entra;
pub mod firestore;
pub mod gateway;
pub mod google;
pub mod limits;
pub mod linear;
pub mod model;
pub mod moto;
pub mod program;
pub mod proxy;
pub mod report;
pub mod scenario;
pub mod service;
pub mod tables;
pub mod workload;

/// The id of the binding that all programs open.
pub const STORE: &str = "store";
