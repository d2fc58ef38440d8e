//! A gateway that answers on a port of its own, and what its answers are read with.

use std::sync::Arc;
use std::time::Duration;

use larder::{Bindings, Context, Kv, ManualClock, MemoryDriver};
use larder_gateway::{Access, Gateway, GatewayOptions, LoopbackGuard, Scripts, Stores};
use larder_scripts::{Limits, Pool, PoolOptions, WorkerProgram};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A gateway with the bindings `main` and `other`, each an embedded store. A third, `hidden`, is not served.
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) clock: Arc<ManualClock>,
    /// Handles on the same stores, beside the gateway.
    pub(crate) context: Context,
    base: String,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<std::io::Result<()>>>,
    _dir: Option<TempDir>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let dir = TempDir::new().expect("a directory");
        // Without a namespace, so that keys may have all of their 512 bytes.
        let binding = |id: &str| json!({ "service": "local-kv", "dataDir": dir.path().join(id) }).to_string();
        let clock = Arc::new(ManualClock::default());
        let bindings = ["main", "other", "hidden"].map(|id| (id, binding(id)));
        let context = Context::new(Bindings::from_map(bindings).with_clock(Arc::clone(&clock) as _));
        let stores = Stores::new(context.clone(), ["main", "other"]).expect("bindings");
        Self::serve(Gateway::new(stores), clock, context, Some(dir)).await
    }

    /// A gateway with one store, `main`, on this handle.
    pub(crate) async fn over(kv: Kv) -> Self {
        let stores = Stores::of_handles([("main", kv)]).expect("a store");
        let context = Context::new(Bindings::from_map([("none", "")]));
        Self::serve(Gateway::new(stores), Arc::default(), context, None).await
    }

    /// A gateway with one store, `main`, in memory, that runs scripts and lets in whoever comes over loopback.
    pub(crate) async fn with_scripts(scripts: Scripts) -> Self {
        Self::with_scripts_over(Kv::new(MemoryDriver::new()), scripts).await
    }

    /// The same over this store.
    pub(crate) async fn with_scripts_over(kv: Kv, scripts: Scripts) -> Self {
        let stores = Stores::of_handles([("main", kv)]).expect("a store");
        let options = GatewayOptions::new(Access::Loopback(LoopbackGuard::new())).scripts(scripts);
        let context = Context::new(Bindings::from_map([("none", "")]));
        Self::serve(Gateway::with_options(stores, options, None), Arc::default(), context, None).await
    }

    /// A gateway, answering.
    pub(crate) async fn serve(
        gateway: Gateway,
        clock: Arc<ManualClock>,
        context: Context,
        dir: Option<TempDir>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(larder_gateway::serve(gateway, listener, shutdown));
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { client, clock, context, base, stop: Some(stop), task: Some(task), _dir: dir }
    }

    /// Where it answers.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn advance(&self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path)).await
    }

    /// Stores raw bytes.
    pub(crate) async fn put(&self, path: &str, value: impl Into<Vec<u8>>) -> Answer {
        Answer::of(self.request(Method::PUT, path).body(value.into())).await
    }

    /// Ends it, and waits until it has.
    pub(crate) async fn end(mut self) {
        drop(self.client);
        drop(self.stop.take());
        self.task.take().expect("it runs").await.expect("no panic").expect("it ends well");
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        Self::read(request.send().await.expect("an answer")).await
    }

    async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.expect("a whole body").to_vec();
        Self { status, headers, bytes }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The documents of a stream.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.bytes).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("a document")).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// The body, if the status is 200.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }

    /// Fails unless the answer is an error of that status and code, in the form that all errors have.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        let body = self.json();
        assert_eq!((&body["error"], &body["statusCode"]), (&code.into(), &status.into()), "{body}");
        assert!(body["message"].is_string() && body["validationErrors"].is_array(), "{body}");
        assert_eq!(body["requestId"].as_str(), self.header("x-request-id"), "{body}");
        body
    }

    /// The same for a request that is wrong in this field.
    #[track_caller]
    pub(crate) fn invalid(&self, field: &str) -> Value {
        let body = self.refused(400, "VALIDATION_ERROR");
        assert_eq!(body["validationErrors"][0]["field"], field, "{body}");
        body
    }
}

/// Workers, each a process.
pub(crate) fn pool() -> Pool {
    pool_of(2)
}

/// So many workers, for twice as many runs at once.
pub(crate) fn pool_of(workers: usize) -> Pool {
    let program = WorkerProgram::new(env!("CARGO_BIN_EXE_gateway-script-worker"));
    let options = PoolOptions::new(program).workers(workers).queue(workers);
    Pool::new(options.limits(Limits::new().wall(Duration::from_secs(2))))
}
