//! A gateway on a free port, over embedded stores of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use larder::{Bindings, Context, Kv};
use larder_gateway::{
    Access, Gateway, GatewayOptions, Grant, KeyStore, Keyring, Permission, ServeOptions, Stores, serve_with,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::wire::{Reply, send};

/// The binding of the routes that name none, and another one.
pub(crate) const STORE: &str = "cache";
pub(crate) const OTHER: &str = "other";

/// A gateway that serves.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Gateway,
    context: Context,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<larder_gateway::Drained>,
    _dir: TempDir,
}

pub(crate) fn keys(context: &Context) -> Access {
    Access::Keys(Arc::new(Keyring::bound(context.clone(), STORE)))
}

impl Served {
    /// One that wants keys.
    pub(crate) async fn with_keys() -> Self {
        Self::start(|context| GatewayOptions::new(keys(context)), ServeOptions::new()).await
    }

    /// One that lets in whoever comes over loopback.
    pub(crate) async fn without_keys() -> Self {
        let access = Access::Loopback(larder_gateway::LoopbackGuard::new());
        Self::start(|_| GatewayOptions::new(access), ServeOptions::new()).await
    }

    pub(crate) async fn start(
        options: impl FnOnce(&Context) -> GatewayOptions,
        serving: ServeOptions,
    ) -> Self {
        let dir = TempDir::new().expect("a directory");
        let context = Context::new(Bindings::local(dir.path()));
        let stores = Stores::new(context.clone(), [STORE, OTHER]).expect("stores");
        let gateway = Gateway::with_options(stores, options(&context), None);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let served = gateway.clone();
        let task = tokio::spawn(async move {
            serve_with(&served, listener, &serving, async move { drop(stopped.await) }).await
        });
        Self { address, gateway, context, stop: Some(stop), task, _dir: dir }
    }

    /// A store of the gateway, past its doors.
    pub(crate) async fn store(&self, binding: &str) -> Kv {
        self.context.bindings().load_kv(binding).await.expect("a store")
    }

    pub(crate) async fn key_store(&self) -> KeyStore {
        KeyStore::new(&self.store(STORE).await).expect("a key store")
    }

    /// Makes a key, before the gateway has looked for any.
    pub(crate) async fn key(&self, grant: Grant) -> String {
        self.key_store().await.create(&grant, None).await.expect("a key").expose()
    }

    /// Sends a request line, these headers and this body, and reads the answer.
    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        send(self.address, line, headers, body).await
    }

    /// The same with a key and JSON.
    pub(crate) async fn ask(&self, key: &str, line: &str, body: &str) -> Reply {
        let bearer = format!("Bearer {key}");
        let headers = [
            ("Host", "gateway.example"),
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/json"),
        ];
        self.send(line, &headers, body.as_bytes()).await
    }

    /// Tells it to end.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(self) -> larder_gateway::Drained {
        self.task.await.expect("no panic")
    }
}

/// Everything that data routes ask for.
pub(crate) fn everything() -> Grant {
    Grant::new([Permission::Read, Permission::Write, Permission::Delete, Permission::Scan])
}
