//! The program `larder`.

use std::process::ExitCode;

use larder_cli::Memory;

/// A gateway's threads allocate much that is short-lived, and free what others have allocated.
#[global_allocator]
static MEMORY: Memory = Memory;

fn main() -> ExitCode {
    larder_cli::main()
}
