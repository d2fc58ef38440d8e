//! HTTPS, by rustls with aws-lc-rs.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use larder::{Error, ErrorKind, Result};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What a gateway shows who it is by. Read once: after a renewal, start it anew.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// A certificate with the chain above it, and its private key, from PEM files.
    ///
    /// # Errors
    ///
    /// `NotConfigured` when a file cannot be read, holds no such thing, or the two do not belong together; the file is
    /// named.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self> {
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
            .map_err(|error| wrong(certificate, "a certificate", &error))?;
        if chain.is_empty() {
            return Err(wrong(certificate, "a certificate", &"there is none in it"));
        }
        let private =
            PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, "a private key", &error))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
            .map_err(|error| wrong(key, "the private key of that certificate", &error))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}

fn wrong(file: &Path, what: &str, error: &dyn fmt::Display) -> Error {
    Error::new(ErrorKind::NotConfigured, format!("{} is not {what} as PEM: {error}", file.display()))
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
