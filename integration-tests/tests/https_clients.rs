//! The https clients of all clouds in one process, made in each order, each with a handshake of TLS.

use std::fs;
use std::process::Command;
use std::sync::{Arc, Mutex};

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
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A server of TLS whose certificate is in a file of its own, to be trusted or not.
struct Server {
    url: String,
    certificate: TempDir,
    /// How handshakes that did not come about ended.
    refusals: Arc<Mutex<Vec<String>>>,
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
        let (acceptor, refusals) = (TlsAcceptor::from(Arc::new(config)), Arc::<Mutex<Vec<_>>>::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let record = Arc::clone(&refusals);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, record) = (acceptor.clone(), Arc::clone(&record));
                tokio::spawn(async move {
                    match acceptor.accept(stream).await {
                        // How a connection ends is the client's affair.
                        Ok(stream) => drop(
                            auto::Builder::new(TokioExecutor::new())
                                .serve_connection(TokioIo::new(stream), service_fn(answer))
                                .await,
                        ),
                        Err(error) => record.lock().expect("nobody panics").push(error.to_string()),
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

    fn take_refusals(&self) -> Vec<String> {
        std::mem::take(&mut self.refusals.lock().expect("nobody panics"))
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
async fn handshakes_of_all_three_come_about_in_each_order() {
    let server = Server::start().await;
    for order in orders() {
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
        let refusals = server.take_refusals();
        assert_eq!(refusals.is_empty(), !order.contains(&"gcp"), "{order:?}: {refusals:?}");
        for refusal in refusals {
            assert!(refusal.contains("alert") && refusal.contains("UnknownCA"), "{order:?}: {refusal}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_vouches_for_is_refused_by_all_three() {
    let server = Server::start().await;
    for cloud in ["aws", "gcp", "azure"] {
        assert_eq!(server.read(&[cloud], Trust::Theirs).await, [format!("{cloud} unavailable")]);
        let refusals = server.take_refusals();
        assert!(
            !refusals.is_empty() && refusals.iter().all(|refusal| refusal.contains("alert")),
            "{refusals:?}"
        );
    }
}
