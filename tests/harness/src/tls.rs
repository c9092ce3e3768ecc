//! HTTPS in front of the embedded DynamoDB. A real DynamoDB is reached over TLS, and TLS is
//! most of a cold start. The front terminates TLS with a certificate of a test CA and
//! forwards the bytes.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A running front.
#[derive(Debug)]
pub struct TlsFront {
    pub url: String,
    /// The certificate of the test CA, in PEM.
    pub ca: String,
}

impl TlsFront {
    /// Starts a front of `upstream`, a URL of plain HTTP. It runs until this process ends.
    pub fn start(upstream: &str) -> Self {
        let (config, ca) = server_config();

        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind a free port");
        listener.set_nonblocking(true).expect("a socket for tokio");
        let url = format!("https://{}", listener.local_addr().expect("the address of the front"));

        let upstream = upstream.trim_start_matches("http://").to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        std::thread::spawn(move || {
            runtime.block_on(accept(listener, TlsAcceptor::from(Arc::new(config)), upstream))
        });

        Self { url, ca }
    }

    /// Writes a bundle with these certificates and the one of the test CA.
    pub fn write_bundle(&self, path: &Path, certificates: &str) {
        let bundle = format!("{certificates}\n{}", self.ca);
        std::fs::write(path, bundle).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// A configuration with a new certificate for 127.0.0.1, and the CA that signed it, in PEM.
fn server_config() -> (ServerConfig, String) {
    let mut authority = CertificateParams::default();
    // Without a name of its own, the CA would have the same name as the certificate that it
    // signs, which would then look self-signed.
    authority.distinguished_name.push(DnType::CommonName, "test CA");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority =
        CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("a CA");

    let key = KeyPair::generate().expect("a key");
    let mut certificate = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    certificate.distinguished_name.push(DnType::CommonName, "DynamoDB");
    let certificate = certificate.signed_by(&key, &authority).expect("a certificate");

    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .expect("a usable certificate");
    (config, authority.pem())
}

async fn accept(listener: std::net::TcpListener, acceptor: TlsAcceptor, upstream: String) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
        tokio::spawn(async move {
            // A broken connection shows in the test or the measurement that uses it.
            let _ = forward(client, &acceptor, &upstream).await;
        });
    }
}

async fn forward(client: TcpStream, acceptor: &TlsAcceptor, upstream: &str) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut client = acceptor.accept(client).await?;

    let mut upstream = TcpStream::connect(upstream).await?;
    upstream.set_nodelay(true)?;

    tokio::io::copy_bidirectional(&mut client, &mut upstream).await?;
    Ok(())
}
