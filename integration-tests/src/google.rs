//! A server that gives Google's tokens: the metadata server and the token endpoints in one. And files that lead to it.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What it gives out: of the form that the emulator of Firestore asks of every token.
pub const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4IiwidXNlcl9pZCI6IngifQ.hunter2";

/// A running server. It ends with the test's runtime.
#[derive(Clone, Debug)]
pub struct TokenServer {
    address: String,
    status: u16,
    asked: Arc<Mutex<Vec<String>>>,
    lifetime: Arc<AtomicU32>,
}

impl TokenServer {
    /// Starts one whose answers have this status.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let lifetime = Arc::new(AtomicU32::new(3_600));
        let server = Self { address, status, asked: Arc::default(), lifetime };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                let service = service_fn(move |request| {
                    std::future::ready(Ok::<_, Infallible>(server.answer(&request)))
                });
                tokio::spawn(async move {
                    // How a connection ends is the client's affair.
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        server
    }

    /// Its host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For how many seconds the tokens are good that it gives out from here on; an hour unless told.
    pub fn lifetime(&self, seconds: u32) {
        self.lifetime.store(seconds, Ordering::SeqCst);
    }

    /// The paths that it was asked for, and whether with the header of the metadata server.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let flavor = request.headers().contains_key("metadata-flavor");
        let line = format!("{} {flavor}", request.uri().path());
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        let token = json!({
            "access_token": TOKEN,
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": self.lifetime.load(Ordering::SeqCst),
        });
        Response::builder()
            .status(self.status)
            .header("content-type", "application/json")
            .header("metadata-flavor", "Google")
            .body(Full::from(token.to_string()))
            .expect("it is a response")
    }
}

/// The file of a user, who refreshes tokens at a server.
pub fn user(server: &str) -> Value {
    json!({
        "type": "authorized_user",
        "client_id": "client",
        "client_secret": TOKEN,
        "refresh_token": TOKEN,
        "token_uri": format!("{server}/token"),
    })
}

/// The file of a workload, which exchanges what is in another file of the folder for tokens of a server.
///
/// # Panics
///
/// When the other file cannot be written.
pub fn workload(folder: &Path, server: &str) -> Value {
    let subject = folder.join("subject");
    fs::write(&subject, TOKEN).expect("a file");
    json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{server}/token"),
        "credential_source": { "file": subject },
    })
}

/// The file of a service account, which signs its own tokens with a key in the form of PEM.
pub fn service_account(key: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": "larder-tests",
        "private_key_id": "key-1",
        "private_key": key,
        "client_email": "larder@larder-tests.iam.gserviceaccount.com",
        "token_uri": "http://127.0.0.1:1/token",
    })
}
