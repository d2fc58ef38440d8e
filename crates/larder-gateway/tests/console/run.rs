//! Runs what a person does in a browser: a script of Node.js that drives Chromium.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as Segment, State};
use axum::routing::post;
use larder::{Bindings, Context, Kv, ManualClock, MemoryDriver};
use larder_gateway::{Access, Gateway, GatewayOptions, Grant, KeyStore, Keyring, Stores};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::support::Server;

const HINT: &str = "cargo xtask test sets it, and so does eval \"$(cargo xtask emulators up)\"";

/// Runs the script against a gateway, and compares what it says that it did: what never ran is missing.
pub(crate) async fn script(name: &str, server: &Server, key: Option<&str>, did: &[&str]) {
    let of =
        |variable: &str| std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: {HINT}"));
    let (chromium, playwright) = (of("LARDER_CHROMIUM"), of("LARDER_PLAYWRIGHT"));
    let clock = listen_to_the_clock(Arc::clone(&server.clock)).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console");
    let mut node = Command::new("node");
    node.arg(folder.join(name)).env("GATEWAY", server.base()).env("CLOCK", clock);
    node.env("LARDER_CHROMIUM", chromium).env("LARDER_PLAYWRIGHT", playwright);
    node.env("KEY", key.unwrap_or_default());
    let output = node.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.expect("Node.js 20 or later is there");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.lines().collect::<Vec<_>>(), did);
}

/// A gateway that wants keys, over `main` and `other`, and one key for each grant.
pub(crate) async fn with_keys<const N: usize>(grants: [Grant; N]) -> (Server, [String; N]) {
    let kv = Kv::new(MemoryDriver::new());
    let keys = KeyStore::new(&kv).expect("keys");
    let mut made = [const { String::new() }; N];
    for (key, grant) in made.iter_mut().zip(grants) {
        *key = keys.create(&grant, None).await.expect("a key").expose();
    }
    let stores = Stores::of_handles([("main", kv), ("other", Kv::new(MemoryDriver::new()))]).expect("stores");
    let options = GatewayOptions::new(Access::Keys(Arc::new(Keyring::new(keys))));
    let gateway = Gateway::with_options(stores, options, None);
    let context = Context::new(Bindings::from_map([("none", "")]));
    (Server::serve(gateway, Arc::default(), context, None).await, made)
}

/// Where the script moves the gateway's clock: `POST /advance/{millis}`.
async fn listen_to_the_clock(clock: Arc<ManualClock>) -> String {
    let advance = async |State(clock): State<Arc<ManualClock>>, Segment(millis): Segment<u64>| {
        clock.advance(Duration::from_millis(millis));
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let router = Router::new().route("/advance/{millis}", post(advance)).with_state(clock);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
