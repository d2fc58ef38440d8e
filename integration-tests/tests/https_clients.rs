//! The https clients of all clouds in one process, made in each order.
//!
//! AWS's and Azure's come through a handshake of TLS and are answered. Google's begins one and refuses the certificate:
//! its SDK trusts those that it brings, and no test has one of them. That its handshakes end well is not shown here.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use integration_tests::program::Program;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A server of TLS whose certificate is in a file of its own, to be trusted or not.
struct Server {
    url: String,
    certificate: TempDir,
    /// How handshakes that did not come about ended.
    refusals: UnboundedReceiver<String>,
}

impl Server {
    async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let certificate = TempDir::new().expect("a directory");
        fs::write(certificate.path().join("ca.pem"), made.cert.pem()).expect("a file");
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a key that fits");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (record, refusals) = unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, record) = (acceptor.clone(), record.clone());
                tokio::spawn(async move {
                    match acceptor.accept(stream).await {
                        // How a connection ends is the client's affair.
                        Ok(stream) => drop(
                            auto::Builder::new(TokioExecutor::new())
                                .serve_connection(TokioIo::new(stream), service_fn(answer))
                                .await,
                        ),
                        Err(error) => drop(record.send(error.to_string())),
                    }
                });
            }
        });
        Self { url, certificate, refusals }
    }

    /// How a process fares that makes the clients in this order and then reads with each.
    async fn read(&self, order: &[&str], trust: Trust) -> Vec<String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_https-clients"));
        command.arg(&self.url).args(order).env_remove("SSL_CERT_DIR");
        match trust {
            Trust::Ours => command.env("SSL_CERT_FILE", self.certificate.path().join("ca.pem")),
            Trust::Theirs => command.env_remove("SSL_CERT_FILE"),
        };
        let ended = tokio::task::spawn_blocking(move || Program::start(&mut command).end()).await;
        let (status, lines) = ended.expect("no panic");
        assert!(status.success(), "{order:?}: {lines:?}");
        lines
    }

    /// The next handshake that did not come about: the process may have ended before it is seen here.
    async fn refusal(&mut self) -> String {
        let refusal = timeout(Duration::from_secs(60), self.refusals.recv()).await;
        refusal.expect("a handshake that does not come about").expect("the server runs")
    }

    /// Those that were seen besides.
    fn other_refusals(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.refusals.try_recv().ok()).collect()
    }
}

/// Whose certificates a process trusts.
#[derive(Clone, Copy)]
enum Trust {
    Ours,
    Theirs,
}

/// Says in the words of each service that there is no such table: only who came through TLS can tell.
async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (status, body) = if request.headers().contains_key("x-amz-target") {
        (400, json!({ "__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" }))
    } else {
        (404, json!({ "odata.error": { "code": "TableNotFound" } }))
    };
    let answer = Response::builder().status(status).header("content-type", "application/json");
    Ok(answer.body(Full::from(body.to_string())).expect("an answer"))
}

/// Each alone, and all three in each order.
fn orders() -> Vec<Vec<&'static str>> {
    let clouds = ["aws", "gcp", "azure"];
    let mut orders: Vec<Vec<_>> = clouds.iter().map(|cloud| vec![*cloud]).collect();
    for first in 0..3 {
        for second in (0..3).filter(|second| *second != first) {
            orders.push(vec![clouds[first], clouds[second], clouds[3 - first - second]]);
        }
    }
    orders
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_of_aws_and_azure_come_about_and_gcps_is_begun_and_refused_in_each_order() {
    for order in orders() {
        // One of its own: the last one may still be told of handshakes.
        let mut server = Server::start().await;
        let lines = server.read(&order, Trust::Ours).await;
        let expected: Vec<_> = order
            .iter()
            .map(|cloud| match *cloud {
                // Its SDK trusts the certificates that it brings, and no others: its handshake ends with its refusal.
                "gcp" => "gcp unavailable".to_owned(),
                cloud => format!("{cloud} not_provisioned"),
            })
            .collect();
        assert_eq!(lines, expected);
        let mut refusals = if order.contains(&"gcp") { vec![server.refusal().await] } else { Vec::new() };
        refusals.extend(server.other_refusals());
        assert!(order.contains(&"gcp") || refusals.is_empty(), "{order:?}: {refusals:?}");
        for refusal in refusals {
            assert!(refusal.contains("alert") && refusal.contains("UnknownCA"), "{order:?}: {refusal}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_vouches_for_is_refused_by_all_three() {
    for cloud in ["aws", "gcp", "azure"] {
        let mut server = Server::start().await;
        assert_eq!(server.read(&[cloud], Trust::Theirs).await, [format!("{cloud} unavailable")]);
        let mut refusals = vec![server.refusal().await];
        refusals.extend(server.other_refusals());
        assert!(refusals.iter().all(|refusal| refusal.contains("alert")), "{refusals:?}");
    }
}
