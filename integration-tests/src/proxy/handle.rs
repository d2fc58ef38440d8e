//! A proxy, as the test that started it sees it.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::control::PAGE;
use super::counts::Counts;
use super::exchange::Exchange;
use super::rule::Rule;
use crate::program::Program;

/// How long the proxy may take to answer, and what is on its way to settle, before a test gives them up for
/// hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running proxy, killed when this is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    url: String,
    control: String,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Nobody reads from it, but it is not `Sync` without the lock.
    _program: Mutex<Program>,
}

impl FaultProxy {
    /// Starts a proxy before a server at `http://127.0.0.1:port`. It does nothing to what passes until it has
    /// rules.
    ///
    /// The program is `env!("CARGO_BIN_EXE_fault-proxy")`, which only a test's own file can say.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[track_caller]
    pub fn start(program: impl AsRef<Path>, upstream: &str) -> Self {
        let program = Program::start(Command::new(program.as_ref()).arg(upstream));
        let line = program.line().expect("the proxy says where it listens");
        let (url, control) = line.split_once(' ').expect("it listens on two ports");
        Self {
            url: url.to_owned(),
            control: control.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            _program: Mutex::new(program),
        }
    }

    /// Where clients go, instead of to the server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the rules are changed and the log is read, by other means than this.
    pub fn control_url(&self) -> &str {
        &self.control
    }

    /// Replaces all rules. Requests that are on their way keep what they were given.
    ///
    /// # Panics
    ///
    /// When a rule makes no sense.
    pub async fn rules(&self, rules: impl IntoIterator<Item = Rule>) {
        let rules: Vec<Rule> = rules.into_iter().collect();
        self.call(Method::POST, "/rules", serde_json::to_vec(&rules).expect("rules are JSON")).await;
    }

    /// All requests so far. Of those that are on their way it tells what has happened by now.
    pub async fn log(&self) -> Vec<Exchange> {
        self.log_from(0).await
    }

    /// The requests from one on, by its [sequence number](Exchange::sequence).
    pub async fn log_from(&self, sequence: u64) -> Vec<Exchange> {
        let mut log = Vec::new();
        loop {
            let offset = sequence + log.len() as u64;
            let page: Vec<_> = self.get(&format!("/log?offset={offset}&limit={PAGE}")).await;
            let is_last = page.len() < PAGE;
            log.extend(page);
            if is_last {
                return log;
            }
        }
    }

    /// All requests so far, once nothing that the proxy has read is on its way any more: neither a request
    /// nor a reply that is delayed, nor a duplicate. Replies that are withheld are not waited for.
    pub async fn settled(&self) -> Vec<Exchange> {
        self.call(Method::POST, "/settle", Vec::new()).await;
        self.log().await
    }

    /// How much has passed so far.
    pub async fn counts(&self) -> Counts {
        self.get("/counts").await
    }

    /// Removes the rules, waits until nothing is on its way any more, and empties the log and the counts.
    pub async fn reset(&self) {
        self.call(Method::POST, "/reset", Vec::new()).await;
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        let reply = self.call(Method::GET, path, Vec::new()).await;
        serde_json::from_slice(&reply).expect("the proxy answers in the form that it was asked for")
    }

    async fn call(&self, method: Method, path: &str, body: Vec<u8>) -> Bytes {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.control));
        let request = request.body(Full::from(body)).expect("it is a request");
        let answer = async {
            let (head, body) = self.client.request(request).await.expect("the proxy is there").into_parts();
            let body = body.collect().await.expect("it answers whole").to_bytes();
            assert!(head.status.is_success(), "{path}: {}", String::from_utf8_lossy(&body));
            body
        };
        timeout(PATIENCE, answer).await.unwrap_or_else(|_| panic!("{path} hangs"))
    }
}
