//! HTTPS.

use std::sync::Arc;

use larder_gateway::{Access, GatewayOptions, LoopbackGuard, ServeOptions, Tls};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::served::Served;
use crate::wire::{Reply, request};

struct Files {
    dir: TempDir,
    certificate: rcgen::CertifiedKey<rcgen::KeyPair>,
}

fn files() -> Files {
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let dir = TempDir::new().expect("a directory");
    std::fs::write(dir.path().join("cert.pem"), certificate.cert.pem()).expect("a file");
    std::fs::write(dir.path().join("key.pem"), certificate.signing_key.serialize_pem()).expect("a file");
    Files { dir, certificate }
}

fn options() -> GatewayOptions {
    GatewayOptions::new(Access::Loopback(LoopbackGuard::new()))
}

#[tokio::test]
async fn it_speaks_https_and_not_http() {
    let files = files();
    let tls = Tls::from_files(&files.dir.path().join("cert.pem"), &files.dir.path().join("key.pem"));
    let serving = ServeOptions::new().tls(tls.expect("certificates"));
    let served = Served::start(|_| options(), serving).await;
    let mut roots = RootCertStore::empty();
    roots.add(files.certificate.cert.der().clone()).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(served.address).await.expect("a connection");
    let name = "localhost".try_into().expect("a name");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("TLS");
    stream.write_all(&request("GET /healthz", &[("Host", "localhost")], b"")).await.expect("it is sent");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    let _alive = Reply::parse(&bytes).is(200);

    let mut plain = TcpStream::connect(served.address).await.expect("a connection");
    plain.write_all(&request("GET /healthz", &[("Host", "localhost")], b"")).await.expect("it is sent");
    let mut bytes = Vec::new();
    let _ = plain.read_to_end(&mut bytes).await;
    assert!(!bytes.starts_with(b"HTTP"), "{:?}", String::from_utf8_lossy(&bytes));
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
