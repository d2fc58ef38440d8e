//! Where the emulators are that tests run against.

use std::env;

/// The address of a running emulator, from `LARDER_EMULATOR_<NAME>`: `http://127.0.0.1:18000`.
///
/// `cargo xtask test` starts them and sets the variables; `cargo xtask emulators up` prints the variables to export.
///
/// # Panics
///
/// When the variable is not set: a test that cannot reach its server has failed.
pub fn emulator(name: &str) -> String {
    let variable = format!("LARDER_EMULATOR_{}", name.to_uppercase());
    env::var(&variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: run `eval \"$(cargo xtask emulators up {name})\"`, or `cargo xtask test`"
        )
    })
}
