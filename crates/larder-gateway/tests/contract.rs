//! Schemathesis, all its checks, against a gateway and the OpenAPI document that it serves.

#[path = "http/support.rs"]
#[allow(dead_code, reason = "the other tests use the rest")]
mod support;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use larder::{Bindings, Context, Kv, MemoryDriver};
use larder_gateway::{
    Access, Gateway, GatewayOptions, Grant, KeyStore, Keyring, Permission, Scripts, Stores,
};
use larder_scripts::{Expected, ScriptStore};
use tokio::process::Command;

use crate::support::Server;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_document_says_is_what_the_gateway_does() {
    let python = std::env::var("LARDER_SCHEMATHESIS").expect(
        "LARDER_SCHEMATHESIS names the Python that has schemathesis: cargo xtask test sets it, and so does \
         eval \"$(cargo xtask emulators up)\"",
    );
    let (server, key) = with_keys().await;
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis.toml");
    // It writes what it remembers to where it runs.
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(python);
    command.args(["-m", "schemathesis.cli", "--config-file"]).arg(settings);
    command.arg("run").arg(format!("{}/openapi.json", server.base()));
    // In both headers, since it makes up a key for the one that it is not given.
    command.arg("--header").arg(format!("Authorization: Bearer {key}"));
    command.arg("--header").arg(format!("X-API-Key: {key}"));
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    command.env("PYTHONPATH", hooks).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks");
    command.current_dir(&dir).env("NO_COLOR", "1").stdin(Stdio::null());
    let output = command.output().await.expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Every operation of the document was asked, and by examples, not by none.
    let document = serde_json::to_value(larder_gateway::document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations: usize = paths.values().map(|path| path.as_object().expect("a path").len()).sum();
    assert!(said.contains(&format!("{operations} selected / {operations} total")), "{operations} operations");
    server.end().await;
}

/// A gateway that wants keys, and a key that may do everything.
async fn with_keys() -> (Server, String) {
    let kv = Kv::new(MemoryDriver::new());
    let keys = KeyStore::new(&kv).expect("keys");
    let key = keys.create(&Grant::new(Permission::ALL), None).await.expect("a key").expose();
    let stores = Stores::of_handles([("main", kv.clone())]).expect("a store");
    let options = GatewayOptions::new(Access::Keys(Arc::new(Keyring::new(keys))));
    // One to be asked about: what is made up is no JavaScript.
    let scripts = ScriptStore::new(&kv, None).expect("scripts");
    let source = "export default (input) => input";
    scripts.deploy("echo", source, Expected::Any).await.expect("it is deployed");
    let options = options.scripts(Scripts::deployed(support::pool()));
    let gateway = Gateway::with_options(stores, options, None);
    let context = Context::new(Bindings::from_map([("none", "")]));
    (Server::serve(gateway, Arc::default(), context, None).await, key)
}
