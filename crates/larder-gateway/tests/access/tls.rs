//! HTTPS.

use std::sync::Arc;

use axum::body::Body;
use futures_util::future::join_all;
use hyper::client::conn::http2;
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use larder_gateway::{Access, GatewayOptions, LoopbackGuard, ServeOptions, Tls};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::served::Served;
use crate::wire::{Reply, request};

pub(crate) struct Files {
    dir: TempDir,
    certificate: rcgen::CertifiedKey<rcgen::KeyPair>,
}

pub(crate) fn files() -> Files {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let dir = TempDir::new().expect("a directory");
    std::fs::write(dir.path().join("cert.pem"), certificate.cert.pem()).expect("a file");
    std::fs::write(dir.path().join("key.pem"), certificate.signing_key.serialize_pem()).expect("a file");
    Files { dir, certificate }
}

impl Files {
    /// A gateway that speaks HTTPS with them.
    pub(crate) async fn served(&self) -> Served {
        let tls = Tls::from_files(&self.dir.path().join("cert.pem"), &self.dir.path().join("key.pem"));
        let serving = ServeOptions::new().tls(tls.expect("certificates"));
        let options = GatewayOptions::new(Access::Loopback(LoopbackGuard::new()));
        Served::start(|_| options, serving).await
    }

    /// The settings of a caller that trusts them, and speaks these protocols.
    pub(crate) fn trusting(&self, protocols: &[&[u8]]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.cert.der().clone()).expect("a root");
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    }

    pub(crate) async fn connect(&self, served: &Served, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(served.address).await.expect("a connection");
        let name = "localhost".try_into().expect("a name");
        TlsConnector::from(self.trusting(protocols)).connect(name, stream).await.expect("TLS")
    }
}

/// Fails unless the gateway answers on a connection.
pub(crate) async fn answers(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    stream.write_all(&request("GET /healthz", &[("Host", "localhost")], b"")).await.expect("it is sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    let _alive = Reply::parse(&bytes).is(200);
}

#[tokio::test]
async fn it_speaks_https_and_not_http() {
    let files = files();
    let served = files.served().await;
    answers(files.connect(&served, &[]).await).await;

    let mut plain = TcpStream::connect(served.address).await.expect("a connection");
    plain.write_all(&request("GET /healthz", &[("Host", "localhost")], b"")).await.expect("it is sent");
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes).await;
    assert!(!bytes.starts_with(b"HTTP"), "{:?}", String::from_utf8_lossy(&bytes));
}

#[tokio::test]
async fn it_speaks_http_2_with_who_prefers_it() {
    let files = files();
    let served = files.served().await;
    let http_1 = files.connect(&served, &[b"http/1.1"]).await;
    assert_eq!(http_1.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    answers(http_1).await;

    let http_2 = files.connect(&served, &[b"h2", b"http/1.1"]).await;
    assert_eq!(http_2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut requests, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(http_2)).await.expect("HTTP/2");
    tokio::spawn(connection);
    let asked =
        [1, 2].map(|_| Request::get("https://localhost/healthz").body(Body::empty()).expect("a request"));
    for answer in join_all(asked.map(|request| requests.send_request(request))).await {
        let answer = answer.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    }
}

#[test]
fn files_that_are_none_are_named() {
    let (one, other) = (files(), files());
    let certificate = one.dir.path().join("cert.pem");
    let key = one.dir.path().join("key.pem");
    let missing = one.dir.path().join("missing.pem");
    for (certificate, key, named) in [
        (&missing, &key, "missing.pem"),
        (&certificate, &missing, "missing.pem"),
        (&key, &key, "key.pem"),
        (&certificate, &certificate, "cert.pem"),
        (&certificate, &other.dir.path().join("key.pem"), "key.pem"),
    ] {
        let error = Tls::from_files(certificate, key).expect_err(named);
        assert_eq!(error.kind(), larder::ErrorKind::NotConfigured);
        assert!(error.message().contains(named), "{error}");
        assert!(!error.message().contains("BEGIN"), "{error}");
    }
}
