//! A worker for the tests of the gateway.

use std::process::ExitCode;

fn main() -> ExitCode {
    larder_scripts::serve_worker()
}
