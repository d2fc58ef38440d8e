//! The program `larder`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A gateway's connections go from thread to thread, and what one has allocated another frees.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    larder_cli::main()
}
