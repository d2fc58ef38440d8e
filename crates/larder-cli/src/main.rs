//! The program `larder`.

use std::process::ExitCode;

fn main() -> ExitCode {
    larder_cli::main()
}
