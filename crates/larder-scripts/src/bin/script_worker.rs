//! A worker, and nothing else: for programs that run scripts and cannot be started as workers themselves.

use std::process::ExitCode;

fn main() -> ExitCode {
    larder_scripts::serve_worker()
}
