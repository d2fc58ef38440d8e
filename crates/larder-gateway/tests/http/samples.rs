//! The samples of the plain API, which are JavaScript, run by Node.js.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::support::Server;

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_run_against_a_gateway() {
    let server = Server::start().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/run.mjs");
    let mut node = Command::new("node");
    let output = node.arg(script).arg(server.base()).stdin(Stdio::null()).output().await;
    let output = output.expect("Node.js 20 or later is there");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    // Each says so itself at its end, so that one that never ran is noticed.
    let ran: Vec<_> = said.lines().collect();
    assert_eq!(
        ran,
        [
            "put ok",
            "scan ok",
            "delete ok",
            "session ok",
            "cache ok",
            "rate limit ok",
            "flags ok",
            "lock ok",
            "errors ok"
        ]
    );
    server.end().await;
}
