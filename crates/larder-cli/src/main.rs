//! The program `larder`.

use std::process::ExitCode;

use larder_cli::Memory;

/// A gateway's connections go from thread to thread, and what one has allocated another frees.
#[global_allocator]
static MEMORY: Memory = Memory;

fn main() -> ExitCode {
    larder_cli::main()
}
