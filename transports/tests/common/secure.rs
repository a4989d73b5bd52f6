//! TLS for tests: an authority that lives as long as the process, what it signs, and clients that trust it.
//!
//! The whole test binary speaks TLS or none of it does, as its root says (`IS_TLS`): the clients and houses of the
//! tests need not know.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use impresario_engine::Runtime;
use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use impresario_transports::tls::TlsConfig;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::IS_TLS;

/// A connection's bytes, whatever is below them.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send + Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Debug> Bytes for T {}

/// Who signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// The one that clients trust unless they are told otherwise.
pub(crate) static OURS: LazyLock<Authority> = LazyLock::new(|| Authority::new("ours"));

/// A certificate and its key.
pub(crate) struct Signed {
    pub(crate) certificate: rcgen::Certificate,
    pub(crate) key: KeyPair,
}

impl Signed {
    pub(crate) fn for_client(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("rcgen makes keys");
        (vec![self.certificate.der().clone()], key)
    }
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("keys can be made");
        Self(CertifiedIssuer::self_signed(params, key).expect("it signs itself"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate of this machine's address, or of whatever else is changed in it.
    pub(crate) fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> Signed {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(names).expect("both are names");
        change(&mut params);
        let key = KeyPair::generate().expect("keys can be made");
        let certificate = params.signed_by(&key, &self.0).expect("an authority signs");
        Signed { certificate, key }
    }
}

/// Files that a server reads its certificate from.
pub(crate) struct Files {
    folder: TempDir,
    pub(crate) config: TlsConfig,
}

impl Files {
    /// With a good certificate of our authority.
    pub(crate) fn good() -> Self {
        Self::of(&OURS.sign(|_| ()))
    }

    pub(crate) fn of(signed: &Signed) -> Self {
        let folder = TempDir::new().expect("there is room for two files");
        let config = TlsConfig::new(folder.path().join("chain.pem"), folder.path().join("key.pem"));
        let files = Self { folder, config };
        files.put(signed);
        files
    }

    /// Exchanges both, as a tool that renews certificates does: each file at once.
    pub(crate) fn put(&self, signed: &Signed) {
        self.write("key.pem", &signed.key.serialize_pem());
        self.write("chain.pem", &signed.certificate.pem());
    }

    /// Puts a file into the place of another one, and says where it is.
    pub(crate) fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let (new, path) = (self.folder.path().join("new"), self.folder.path().join(name));
        std::fs::write(&new, text).expect("there is room for a file");
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
        std::fs::rename(&new, &path).expect("it can have another name");
        path
    }
}

/// What a client trusts and shows.
pub(crate) fn client(
    trusts: &Authority,
    versions: &[&'static SupportedProtocolVersion],
    shows: Option<&Signed>,
    alpn: &[&[u8]],
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(trusts.0.der().clone()).expect("an authority can be trusted");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("the provider has them")
        .with_root_certificates(roots);
    let mut config = match shows.map(Signed::for_client) {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).expect("they belong together"),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

/// Shakes hands on a connection.
pub(crate) async fn shake(
    config: ClientConfig,
    stream: TcpStream,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let name = ServerName::try_from("127.0.0.1").expect("it is an address");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// What a client of this test binary sends its bytes over. One that names no protocol may speak either, as in the clear.
pub(crate) async fn over(stream: TcpStream, alpn: &[&[u8]]) -> Box<dyn Bytes> {
    if !IS_TLS {
        return Box::new(stream);
    }
    let config = client(&OURS, rustls::ALL_VERSIONS, None, alpn);
    Box::new(shake(config, stream).await.expect("the server speaks TLS"))
}

/// Serves a runtime as this test binary does, and says where.
pub(crate) fn serve(runtime: &Runtime, config: HttpConfig) -> SocketAddr {
    let files = IS_TLS.then(Files::good);
    let tls = files.as_ref().map(|files| files.config.clone());
    runtime.serve_http(HttpConfig { tls, ..config }).expect("there is a free port").address()
}
